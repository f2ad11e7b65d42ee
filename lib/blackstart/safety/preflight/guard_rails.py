"""Guard rails: what a run may touch without being told so by name. Everything else is refused before it is touched.

It judges a plan as it stands; nothing is looked up but names of one word, and what a kubeconfig says. What lies beyond
this machine (a host over SSH, another engine or cluster, an address that is not loopback), and what this machine is
reached through (its SSH server, its network), is refused unless the target's `allow` or `--allow` names it. A change of
something that is no service of the target is refused in any case.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from blackstart import controls
from blackstart.base import sockets
from blackstart.base.errors import Refused
from blackstart.base.urls import parts
from blackstart.controls.steps.shell import ssh_host
from blackstart.loads import K6Pods, k6_job
from blackstart.loads.kafka_events import KafkaEvents
from blackstart.model import protocols
from blackstart.model.change import Change
from blackstart.model.plan import Plan
from blackstart.model.step import Command, HttpCall, Step
from blackstart.model.target import Service, Target
from blackstart.safety.preflight import cluster_reach, step_reach

_SSH_PORT = 22
_LOOKED_UP_WITHIN_S = 2.0
# Units and programs without which nobody gets onto the machine any more to mend it.
_WAYS_IN = frozenset(
    ("ssh", "sshd", "dropbear", "networking", "network", "NetworkManager", "systemd-networkd", "wpa_supplicant",
     "dhcpcd", "tailscaled", "wg-quick", "openvpn")
)  # fmt: skip


@dataclass(frozen=True)
class Objection:
    """Why a plan may not be carried out. `word` is what `allow` must hold; empty where nothing can allow it."""

    what: str
    word: str = ""


def refuse(plan: Plan, came_by: str = "", environment: Mapping[str, str] | None = None) -> None:
    """Raise Refused that names everything a plan touches without leave, and the words that give it.

    `came_by` is SSH_CONNECTION: "client port server port", empty where nobody came by SSH. `environment` is what the
    steps would be run in.
    """
    found = objections(plan, came_by, environment)
    if not found:
        return
    words = tuple(dict.fromkeys(objection.word for objection in found if objection.word))
    lines = "; ".join(objection.what for objection in found)
    if all(objection.word for objection in found):
        quoted = ", ".join(f'"{word}"' for word in words)
        lines += (
            f". If that is meant, allow it by name: allow = [{quoted}] in the target file, or --allow {','.join(words)}"
        )
    raise Refused(lines)


def objections(plan: Plan, came_by: str = "", environment: Mapping[str, str] | None = None) -> list[Objection]:
    """Everything in the plan that its target does not allow, each once."""
    allowed = {word.lower() for word in plan.target.allow}
    every = [*_strangers(plan), *_addresses(plan), *_machines(plan, environment or {}), *_ways_in(plan, came_by)]
    return [found for found in dict.fromkeys(every) if not found.word or found.word.lower() not in allowed]


def is_nobodys(host: str) -> bool:
    """Whether it is a name of one word that has no address here: nothing could be sent there, allowed or not."""
    if "." in host or ":" in host or not host:
        return False
    try:
        return not sockets.resolve(host, 0, sockets.Deadline(_LOOKED_UP_WITHIN_S))
    except sockets.NoAnswer:
        return True


# ---------------------------------------------------------------- what is no part of the target


def _strangers(plan: Plan) -> Iterator[Objection]:
    for change in plan.changes:
        if change.service not in plan.target.services:
            known = ", ".join(plan.target.services) or "it names none"
            yield Objection(
                f'"{change.what}" touches "{change.service}", which is no service of {plan.target.name} ({known})'
            )


# ---------------------------------------------------------------- what is not on this machine


def refuse_nowhere(target: Target) -> None:
    """Raise Refused where a service leads to a name that leads nowhere: of a target made of flags all are meant."""
    found = [each.what for each in _judged(_hosts_named(target, tuple(target.services))) if not each.word]
    if found:
        raise Refused("; ".join(found))


def _addresses(plan: Plan) -> Iterator[Objection]:
    yield from _judged((*_hosts_named(plan.target, plan.services), *_hosts_driven(plan)))


def _judged(named: Iterable[tuple[str, str]]) -> Iterator[Objection]:
    nowhere: set[str] = set()
    for what, at in named:
        host = _host_of(at)
        if sockets.is_loopback(host) or host in nowhere:
            continue
        if not at.startswith("ssh://") and is_nobodys(host):  # an alias of ssh_config is looked up by ssh alone
            nowhere.add(host)
            yield Objection(
                f"{what} is at {host}, a name that leads nowhere from here, as those of a compose network do: use the "
                "port that is published on this machine (localhost:PORT), or leave it out where a container says "
                "itself where it is reached"
            )
        else:
            yield Objection(f"{what} is at {host}, not on this machine", host)


def _hosts_named(target: Target, touched: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if target.api:
        yield f"the API of {target.name}", _host_of(target.api)
    for name, service in target.services.items():
        if service.url:  # whether it is touched or not: loads are driven at it
            yield f"the url of {name}", _host_of(service.url)
        if name in touched and service.dsn:
            for place in filter(lambda place: place.on_network, protocols.places_of(service)):
                for host in filter(None, (place.host, place.resolved)):
                    yield protocols.called(service), host
        if name in touched and service.address:
            yield f"the address of {name}", service.address.rpartition(":")[0].strip("[]")


def _hosts_driven(plan: Plan) -> Iterator[tuple[str, str]]:
    """Where a load is sent, as far as that is told: what a k6 script does is its own affair."""
    load = plan.experiment.traffic.load if plan.experiment.traffic else None
    for operation in (*getattr(load, "operations", ()), *filter(None, (getattr(load, "operation", None),))):
        if "://" in operation.url:
            yield f"the load's {operation.name}", _host_of(operation.url)
    if isinstance(load, K6Pods) and not _is_of_cluster(host := _host_of(load.api)):
        yield "what the load's pods send to", host
    if isinstance(load, KafkaEvents):
        for place in protocols.read_kafka(load.dsn).places:
            yield f"the load's {load.op}", place.host
    if getattr(load, "host", ""):
        yield f"the load's {getattr(load, 'op', load)}", str(getattr(load, "host", ""))


def _is_of_cluster(host: str) -> bool:
    """Whether only the cluster that the pods are in knows the name: a Service's."""
    name = host.removesuffix(".cluster.local")
    return name.endswith(".svc") or "." not in name


def _machines(plan: Plan, environment: Mapping[str, str]) -> Iterator[Objection]:
    for name in plan.services:
        control = plan.controls.get(name)
        if control is not None and control.reach():
            yield Objection(f"{name} is controlled on another machine ({control.reach()})", _host_of(control.reach()))
    acts = [(change.what, (*change.do, *change.undo, *change.rights)) for change in plan.changes]
    traffic = plan.experiment.traffic
    if traffic and isinstance(traffic.load, K6Pods):
        made = k6_job.change(traffic.load, "", 0.0)
        acts.append((made.what, (*made.do, *made.undo)))
    for what, steps in (*acts, ("what is prepared", plan.experiment.prepare)):
        for step in steps:
            place = _reaches(step, environment)
            # SSH leads elsewhere even where its host is called localhost: a forwarded port, an alias of ssh_config.
            if place and (place.startswith("ssh://") or not sockets.is_loopback(_host_of(place))):
                yield Objection(f'"{what}" acts on another machine ({place})', _host_of(place))


def _reaches(step: Step, environment: Mapping[str, str]) -> str:
    """The machine, engine or API that a step acts on; empty for this machine."""
    if isinstance(step, HttpCall):
        return f"{step.url.partition('://')[0]}://{_host_of(step.url)}"
    if not isinstance(step, Command):
        return ""
    if step.host:
        return step.host.partition("?")[0]
    return step_reach.reached_by(step, environment) or cluster_reach.reached_by(step, environment)


def _host_of(url: str) -> str:
    """The host in a URL, without user, port and the rest; the text itself where it is none."""
    if "://" not in url:
        return url
    try:
        return parts.place_in(parts.split(url, "", whole_path=True).where, 0, "").host
    except ValueError:  # what can't be read is not taken for this machine
        return parts.shown(url)


# ---------------------------------------------------------------- how one gets here


def _ways_in(plan: Plan, came_by: str) -> Iterator[Objection]:
    for name in plan.services:
        service = plan.target.services.get(name)
        if service is None:
            continue
        control = plan.controls.get(name)
        # As it is written, and as it was found: an alias has become the unit's own name.
        written = controls.of(service).names() if service.control else {}
        found = control.names() if control else {}
        programs = [(key, _program(word)) for key, word in written.items()]
        programs += [(f"{key} in truth", _program(word)) for key, word in found.items()]
        for why in _reasons(service, programs, came_by, _hosts_of_steps(plan.changes, name)):
            yield Objection(f"without {name} the machine may not be reached any more ({why})", name)


def _reasons(
    service: Service, programs: Iterable[tuple[str, str]], came_by: str, hosts: frozenset[str]
) -> Iterator[str]:
    found = next(((key, program) for key, program in programs if program in _WAYS_IN), None)
    if found:
        yield f"its control is {found[0]} {found[1]}"
    host, _, port = service.address.rpartition(":")
    ports = {_SSH_PORT, *(ssh_host(far).port or _SSH_PORT for far in hosts)}
    if port.isascii() and port.isdigit() and int(port) in ports:
        yield f"port {port} is that of SSH"
    words = came_by.split()
    if len(words) == 4:
        client, _, server, server_port = words
        if _same(host, client):
            yield f"{client} is where we came from by SSH"
        elif port == server_port and port != str(_SSH_PORT) and (_same(host, server) or sockets.is_loopback(host)):
            yield f"{server}:{server_port} is what we came by, over SSH"


def _hosts_of_steps(changes: Iterable[Change], service: str) -> frozenset[str]:
    steps = [step for change in changes if change.service == service for step in (*change.do, *change.undo)]
    return frozenset(step.host for step in steps if isinstance(step, Command) and step.host)


def _program(named: str) -> str:
    """The bare name in a control's word: sshd of `sshd.service`, `sshd@2.service`, `/usr/sbin/sshd -D`."""
    first = named.split(maxsplit=1)[0].rpartition("/")[2].rstrip(":") if named.split() else ""
    return re.sub(r"(@.*)?\.(service|socket|target)$|@.*$|\.pid$", "", first)


def _same(left: str, right: str) -> bool:
    return bool(left) and left.strip("[]").lower() == right.strip("[]").lower()
