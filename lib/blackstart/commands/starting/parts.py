"""The parts of a system among what runs here: its API, and the services that are proved to be its own."""

import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from blackstart.base import clock
from blackstart.base.console import Console
from blackstart.base.errors import BlackstartError, Refused, did_you_mean
from blackstart.base.state import invoke
from blackstart.commands.starting import recognized, running
from blackstart.commands.starting.draft import Draft, Sourced
from blackstart.commands.starting.running import Running
from blackstart.engine.link_check import first_proved
from blackstart.model import protocols
from blackstart.model.declaration import FACTS, Declaration
from blackstart.model.flags import Flags
from blackstart.model.system import System
from blackstart.model.target import Service
from blackstart.probes.read import read_once
from blackstart.probes.sql import SqlScalar
from blackstart.suites import systems

_STORES = ("redis", "postgres", "kafka")
_URL_IN = {"redis": "REDIS_URL", "postgres": "DATABASE_URL"}
_PROVED_WITHIN_S = 3.0
_ANSWER_WITHIN_S = 600.0
_ONE_OF_MANY_WITHIN_S = 0.5
_FEW = 5


class Seen(NamedTuple):
    """What runs, and what it speaks."""

    one: Running
    speaks: str


def look(say: Callable[[str], None]) -> list[Seen]:
    """All that could be a part, and is told of as it is found."""
    found, why = running.containers()
    if why:
        say(why)
    found += running.listening([one.address for one in found])
    if dark := running.hidden([one.address for one in found]):
        others = f" and {len(dark) - _FEW} more" if len(dark) > _FEW else ""
        say(f"not known: who listens at {', '.join(dark[:_FEW])}{others}: processes that this user can't see")
    seen = [Seen(one, recognized.protocol(one)) for one in found]
    for one, speaks in seen:
        asked = f"does not speak {one.likely or running.HTTP}, and was asked nothing else"
        say(
            f"found: {one.told}: {speaks}"
            if speaks
            else f"not known: {one.told}: {asked if one.address else 'not looked at'}"
        )
    return [each for each in seen if each.speaks]


def api_of(seen: Sequence[Seen], given: Flags, kind: str, console: Console) -> tuple[Sourced, str]:
    """The API that is meant, and the kind of its system. Raises Refused where that can't be told, or there are two."""
    if given.api:
        kind, silence = kind or recognized.kind(given.api), recognized.silence(given.api)
        if not kind:
            unknown = f"shows no series of a known system: say which it is, --kind {_kinds()}"
            raise Refused(f"{given.api} {silence or unknown}")
        value = f"env:{given.variable('api')}" if "@" in given.api else given.api
        return Sourced(value, f"by {given.called('api')}" + (f"; it {silence}" if silence else "")), kind
    known = [(each.one, of) for each in seen if each.speaks == running.HTTP and (of := _kind_of(each.one, kind))]
    if len(known) > 1 and console.interactive:
        known = [each for each in known if console.ask(f"Is it the {each[1]} at {each[0].told}?")][:1]
    if len(known) == 1:
        one, kind = known[0]
        return Sourced(f"http://{one.address}", f"{one.told}; its metrics are those of a {kind}"), kind
    if known:
        listed = ", ".join(f"http://{one.address} ({of}, {one.told})" for one, of in known)
        raise Refused(f"{len(known)} APIs could be meant: {listed}. Say which: --api URL")
    raise Refused(
        f"no API here shows the series of {kind or 'a known system'} at its metrics page. Start it, or name it: --api "
        f"URL --kind {kind or _kinds()}. To learn on one of ours: {invoke()} lab.up {kind or systems.kinds()[-1]}"
    )


def _kind_of(one: Running, kind: str) -> str:
    told = recognized.kind(f"http://{one.address}")
    return told if not kind or told == kind else ""


def _kinds() -> str:
    return " | ".join(systems.kinds())


def everything(draft: Draft, seen: Sequence[Seen], given: Flags, console: Console) -> Draft:
    """The draft with all parts that were found, and with what is still to be said."""
    target = draft.target()
    place = protocols.read_http(target.api).place
    hosts = running.hosts_here(place.host, place.port)
    own = next((each.one for each in seen if each.one.is_at(hosts, place.port)), None)
    keys = {"address": Sourced(place.address), "url": Sourced(draft.top["api"].value)}
    if own and "manual" not in own.control:
        keys["control"] = Sourced(dict(own.control), own.told)
    draft = draft.with_service("api", keys)
    if not hosts:
        why = f"{place.address} is not this machine: of what runs here only what is proved to be its own is taken"
        console.say(why)
        draft = draft.noted("services.api", why)
    for speaks, key in ((recognized.PROMETHEUS, "prometheus"), (recognized.PROXY, "proxy")):
        for each in [each for each in seen if hosts and each.speaks == speaks][:1]:
            draft = draft.with_top(key, Sourced(f"http://{each.one.address}", each.one.told))
    wanted = target.system.by_flags.servers if target.system.by_flags else _STORES
    for name in wanted:
        draft = _service(draft, name, _candidates(seen, name, target.system, given), bool(hosts), console)
    draft = with_tried_facts(_ways(draft, seen), console)
    for name, one in target.system.declarations.items():
        if is_open(draft, one, name):
            draft = _declared(draft, name, one, console)
    if target.system.needs:
        draft = draft.left_open("", f"a {target.kind} needs {target.system.needs}: see docs/{target.kind}.md")
    return draft


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def _candidates(seen: Sequence[Seen], name: str, system: System, given: Flags) -> list[Running]:
    found = [each.one for each in seen if each.speaks == name]
    server = system.by_flags.servers.get(name) if system.by_flags else None
    asked = getattr(given, server.container) if server else ""
    if not asked:
        return found
    named = [one for one in found if asked in one.names]
    if not named:
        names = [each for one in found for each in one.names]
        raise Refused(f'no running container or compose service "{asked}" speaks {name}.{did_you_mean(asked, names)}')
    return named


def _service(draft: Draft, name: str, candidates: Sequence[Running], here: bool, console: Console) -> Draft:
    """With the one that is proved to be the system's own; else, where its API is `here`, with the only one there is, or
    the one that is agreed to; else with all of them left open."""
    called = f"services.{name}"
    if not candidates:
        console.say(f"{name}: nothing that speaks it was found running here")
        return draft.left_open(called, f"no {name} was found running here", f"[{called}]", 'address = "HOST:PORT"')
    made = [(one, draft.with_service(name, _keys(name, one))) for one in candidates]
    within_s = _PROVED_WITHIN_S if len(made) == 1 else _ONE_OF_MANY_WITHIN_S
    missing = [_missing(with_it, name, within_s) for _, with_it in made]
    proved = [number for number, why in enumerate(missing) if not why]
    chosen = proved[0] if len(proved) == 1 else 0 if len(made) == 1 and here else None
    if chosen is None and console.interactive:
        chosen = next((n for n, (one, _) in enumerate(made) if console.ask(f"Is {one.told} its {name}?")), None)
    if chosen is None:
        console.say(f"{name}: {len(made)} could be it, {len(proved)} are proved to be; left open")
        lines = [line for one, _ in made for line in (f"[{called}]  # {one.told}", f"control = {_inline(one)}")]
        return draft.left_open(called, f"{len(made)} could be it, and nobody was there to ask", *lines)
    one, with_it = made[chosen]
    why = missing[chosen]
    how = f"NOT PROVED to be the {draft.top['kind'].value}'s own: {why}" if why else "proved to be its own"
    console.say(f"{name}: {one.told}: {how}")
    others = [f"{len(made) - 1} more speak {name} here, and are not proved to be"] if len(made) > 1 else []
    with_it = with_it.left_open(called, *one.open) if one.open else with_it
    return _with_login(with_it.noted(called, f"{how}, {clock.utc_iso()}", *others), name, one)


def _inline(one: Running) -> str:
    return "{ " + ", ".join(f'{key} = "{value}"' for key, value in one.control.items()) + " }"


def _keys(name: str, one: Running) -> dict[str, Sourced]:
    keys = {"address": Sourced(one.address, one.told)} if one.address else {}
    keys["control"] = Sourced(dict(one.control), one.told)
    dsn = _dsn(name, one)
    return {**keys, "dsn": dsn} if dsn else keys


def _dsn(name: str, one: Running) -> Sourced | None:
    """How it is logged in to: by the variable that holds it, or without a password where it wants none."""
    variable = _URL_IN.get(name, "")
    if (url := os.environ.get(variable)) and (not one.address or _leads_to(url, name, one)):
        return Sourced(f"env:{variable}", "set when this was written")
    if name == "redis" and one.address and not recognized.wants_login(one.address):
        return Sourced(f"redis://{one.address}/0", "it answers without a password")
    if name == "postgres" and one.address and one.settings:
        dsn = _without_password(one)
        reading = read_once(SqlScalar("SELECT 1", dsn=dsn, name="login"), _PROVED_WITHIN_S)
        return (
            Sourced(dsn, "it answers without a password; user and database as in its container")
            if (reading.kind == "value")
            else None
        )
    return None


def _leads_to(url: str, name: str, one: Running) -> bool:
    """Whether it is one of the servers that the URL names. One that can't be read is told of where it is used."""
    try:
        places = protocols.places_of(Service(name, dsn=url))
    except BlackstartError:
        return True
    return any(one.is_at(running.hosts_here(each.host, each.port), each.port) for each in places if each.on_network)


def _without_password(one: Running) -> str:
    user = one.settings.get("POSTGRES_USER", "postgres")
    return f"postgresql://{user}@{one.address}/{one.settings.get('POSTGRES_DB', user)}"


def _with_login(draft: Draft, name: str, one: Running) -> Draft:
    """With what is to be exported, where it wants a login of which nobody knows the password."""
    if "dsn" in draft.services[name] or name not in _URL_IN:
        return draft
    such = {"redis": f"redis://{one.address or 'HOST:6379'}/0"}.get(name) or (
        f"postgresql://{one.settings.get('POSTGRES_USER', 'USER')}@{one.address or 'HOST:5432'}/"
        f"{one.settings.get('POSTGRES_DB', 'DATABASE')}"
    )
    return draft.left_open(
        f"services.{name}", f'dsn = "env:{_URL_IN[name]}"  # a URL as {such}, with its password, where it wants one'
    )


def _missing(draft: Draft, name: str, within_s: float) -> str:
    """What speaks against its being the system's own; "" where it is proved."""
    try:
        target = draft.target()
        bound = [proof.bind(target) for proof in systems.links(target) if proof.service == name]
        # Neither in a container that could be asked inside, nor by a URL.
        login = f"set {_URL_IN[name]} and write this anew with --force" if name in _URL_IN else "no proof is known"
        return first_proved(bound, within_s) if bound else f"it can't be asked: {login}"
    except BlackstartError as error:
        return str(error).removeprefix("Not started: ").splitlines()[0]


def with_tried_facts(draft: Draft, console: Console) -> Draft:
    """With the facts that would be tried, where they are seen to be true: what they tell of is a criterion then."""
    try:
        target = draft.target()
        for facts, proof in systems.tried(target):
            condition = proof.on(lambda probe: probe.bind(target))
            if condition.matches(read_once(condition.probe, _PROVED_WITHIN_S)):
                told = {name: Sourced(value, "tried, and found there") for name, value in facts.items()}
                draft = draft.with_table(FACTS, {**draft.tables.get(FACTS, {}), **told})
                console.say(
                    f"facts: {', '.join(f'{name} is {value}' for name, value in facts.items())}: tried, and found there"
                )
    except BlackstartError as error:
        console.say(f"facts: {str(error).removeprefix('Not started: ')}")
    return draft


def _ways(draft: Draft, seen: Sequence[Seen]) -> Draft:
    """With the way that the fault proxy has to each service, where that answers from here."""
    if "proxy" not in draft.top:
        return draft
    ways = list(recognized.proxied(str(draft.top["proxy"].value)))
    for name, keys in draft.services.items():
        for way, listen, upstream in ways:
            names = {one.address for one, _ in seen} & {str(keys["address"].value)} if "address" in keys else set()
            names |= {f"{each}:{one.port}" for one, of in seen if of == name for each in one.names}
            at = f"127.0.0.1:{_port(listen)}"
            if upstream in names and recognized.answers(name, at):
                told = {**keys, "address": Sourced(at, f"where the proxy {way} listens"), "proxy_name": Sourced(way)}
                draft = draft.with_service(name, told)
    return draft


def is_open(draft: Draft, one: Declaration, name: str) -> bool:
    """Whether the draft does not say it."""
    if one.service or (one.beside and one.beside not in draft.tables):
        return False  # a service's is told beside it, and needed only where it can't be asked in its container
    return name not in draft.tables.get(FACTS, {}) if one.table == FACTS else one.table not in draft.tables


def _declared(draft: Draft, name: str, one: Declaration, console: Console) -> Draft:
    """With what criteria are told by, as the operator says it; left open where nobody does, or it can't be so."""
    key, example = (part.strip() for part in one.line.partition("#")[0].split("=", 1))
    route = example.strip('"') if one.table != FACTS else ""
    described = bool(route) and route in recognized.posts(str(draft.target().api))
    such = f"{key}, as in {example}" + (", which the API describes" if described else "")
    said = console.line(f"{one.means} ({such}; empty: left open): ", _ANSWER_WITHIN_S) if console.interactive else ""
    if said.strip():
        try:
            value = said.strip().strip('"') if route else float(said)
            keys = {**draft.tables.get(one.table, {}), key: Sourced(value, "said when this was written")}
            made = draft.with_table(one.table, keys)
            made.target()
        except (ValueError, BlackstartError) as error:
            console.say(f"left open: {str(error).removeprefix('Not started: ')}")
        else:
            return made
    why = f"{one.means}: left open" + (f" (the API describes POST {route})" if described else "")
    heading = () if one.table in draft.open or one.table in draft.tables else (f"[{one.table}]",)
    return draft.left_open(one.table, why, *heading, one.line)
