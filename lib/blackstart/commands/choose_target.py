"""Which target a run is about, and why. The order is that of `target_for`; two candidates are never guessed between."""

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from blackstart import controls
from blackstart.base.errors import Ambiguous, BadFlag, BadTarget, BlackstartError, did_you_mean
from blackstart.base.state import invoke, running_labs
from blackstart.base.urls.parts import one_word
from blackstart.commands.target_file import from_table, load, resolved
from blackstart.model import protocols
from blackstart.model.flags import Flags
from blackstart.model.system import Server, System
from blackstart.model.target import Service, Target
from blackstart.probes.read import read_once
from blackstart.probes.tcp import Tcp
from blackstart.suites import systems

TARGET_FLAGS = ("api", "redis_container", "postgres_container", "redis_url", "database_url")
"""The flags that say piece by piece which system is meant."""


def target_for(kind: str, flags: Flags) -> Target:
    """The target: `--target`, the flags, `./targets`, a running lab (NONINTERACTIVE: only when named), the defaults.

    What its URLs refer to is read here, and each is one that all who use it can read. Raises BadTarget where nothing
    fits, or two things do, or a URL is none; and BadFlag where options name two systems.
    """
    target = resolved(_chosen(kind, flags))
    return target if target.kind else replace(target, system=systems.of(kind))


def _chosen(kind: str, flags: Flags) -> Target:
    if flags.target:
        return _beside_flags(_named(flags.target, kind), flags)
    files = _fitting(kind)
    pieces = flags.given.intersection(TARGET_FLAGS)
    # A variable that the file itself reads, as CI sets it for it, does not say which system is meant.
    if pieces and not (len(files) == 1 and _are_read_by(files[0], pieces, flags)):
        return by_flags(kind, flags, "the flags " + ", ".join(sorted(pieces)))
    if len(files) > 1:
        raise BadTarget(
            f"{len(files)} files in ./targets fit ({', '.join(t.name for t in files)}); say which: --target NAME"
        )
    if files:
        return files[0]
    labs = {name: path for name, path in running_labs().items() if _fits(load(path), kind)}
    if labs and not flags.noninteractive:
        return _lab(labs)
    # A drill of CI must never fall on a lab that happens to run instead of the system that was meant.
    but = " (a lab runs, but NONINTERACTIVE takes it only by name: --target lab)" if labs else ""
    return by_flags(kind, flags, f"the defaults{but}")


def _beside_flags(target: Target, flags: Flags) -> Target:
    """The target that was named. An option that names another system is refused; a variable, which may linger in a
    shell, is ignored, and that is said."""
    by = flags.called("target")
    also = [name for name in TARGET_FLAGS if name in flags.given]
    typed = [flags.called(name) for name in also if name in flags.typed]
    if typed:
        raise BadFlag(f"{' and '.join([*typed, by])} both say which system is meant: leave {typed[0]} or {by} out")
    ignored = [env for env in map(flags.called, also) if not _refers(target, env)]
    if not ignored:
        return target
    return replace(target, why=f"{target.why}; ignored: {', '.join(ignored)} ({by} says what is meant)")


def beside_trading(target: Target, flags: Flags) -> tuple[Target, Flags]:
    """PAUSE_ON_FAIL concerns no system that has no safe state, unless a command of its own is named.

    That is said, and not refused: the variable may be meant for the other suites of the same shell.
    """
    if not flags.pause_on_fail or target.system.safe_state or flags.abort_command or target.abort:
        return target, flags
    why = f"{target.why}; ignored: {flags.called('pause_on_fail')} (a {target.system.kind} has no trading to abort)"
    return replace(target, why=why), replace(flags, pause_on_fail=False)


def _refers(target: Target, env: str) -> bool:
    """Whether the target itself reads that variable, as in `dsn = "env:DATABASE_URL"`."""
    told = repr((target.services, target.headers, target.routes, target.api, target.prometheus, target.proxy))
    return re.search(rf"env:{env}\b", told) is not None


def _are_read_by(target: Target, pieces: Collection[str], flags: Flags) -> bool:
    """Whether none was typed, and the target reads each."""
    return not flags.typed.intersection(pieces) and all(_refers(target, flags.called(name)) for name in pieces)


def _fits(target: Target, kind: str) -> bool:
    """Whether it is of that kind, or is called so: an experiment may name either. What wants no kind takes any."""
    return not kind or kind in (target.kind, target.name)


def _fitting(kind: str) -> list[Target]:
    """The files in ./targets that fit; those that say nothing of their kind may be meant only where none does."""
    files = _folder(Path("targets"))
    return [file for file in files if _fits(file, kind)] or [file for file in files if not file.kind]


def _named(name: str, kind: str) -> Target:
    labs = running_labs()
    if name == "lab":
        fitting = {lab: path for lab, path in labs.items() if _fits(load(path), kind)}
        if not fitting:
            raise BadTarget(f"no lab of a {kind or 'system'} runs. Start one: {invoke()} lab.up {kind or 'NAME'}")
        return _lab(fitting)
    if name.endswith(".toml") or os.sep in name:
        return load(Path(name), f"file {name}, by --target")
    files = {target.name: target for target in _folder(Path("targets"))}
    if name in files and name in labs:
        raise BadTarget(f'"{name}" is both a file in ./targets and a running lab; name the file, or --target lab')
    if name in files:
        return files[name]
    if name in labs:
        return load(labs[name], f"the running lab {name}, by --target")
    raise BadTarget(f'no target "{name}" in ./targets and no such lab runs.{did_you_mean(name, [*files, *labs])}')


def _lab(labs: Mapping[str, Path]) -> Target:
    if len(labs) > 1:
        raise BadTarget(f"{len(labs)} labs run ({', '.join(labs)}); say which: --target NAME")
    name, path = next(iter(labs.items()))
    return load(path, f"the running lab {name}")


def _folder(folder: Path) -> list[Target]:
    return [load(path, f"file {path}") for path in sorted(folder.glob("*.toml"))]


def by_flags(kind: str, flags: Flags, why: str) -> Target:
    """A target made of what the flags say, where that is enough for one of this kind. Raises BadTarget where not."""
    known = systems.of(kind)
    if known.by_flags is None:
        given = [flags.called(name) for name in TARGET_FLAGS if name in flags.given]
        if given:
            raise BadTarget(_too_little(known, given))
        lab = f"; a lab of one to learn on: {invoke()} lab.up {kind}, and then --target lab"
        raise BadTarget(
            f"no target for a {kind or 'system of this kind'}. Name one with --target, or put one into ./targets"
            + (lab if kind in systems.kinds() else "")
        )
    api = flags.api or known.by_flags.api
    services: dict[str, Any] = {"api": {"address": protocols.read_http(api).place.address, "url": api}}
    for name, server in known.by_flags.servers.items():
        services[name], told = _server(name, server, flags)
        why += told
    return from_table({"name": kind, "kind": kind, "api": api, "services": services}, "the flags", why)


def _too_little(system: System, given: list[str]) -> str:
    told = f"no target for a {system.kind or 'system of this kind'}: {' and '.join(given)} alone can't describe one"
    needs = f"; it needs {system.needs}" if system.needs else ""
    return f"{told}{needs}. Write a target file and name it with --target, with api in it"


def _server(name: str, server: Server, flags: Flags) -> tuple[dict[str, Any], str]:
    """A service as container and URL say, where either may be left out; and what is to be said of it."""
    container, url, port = getattr(flags, server.container), getattr(flags, server.url), server.port
    dsn = _reference(flags.variable(server.url), url) or server.dsn.format(f"localhost:{port}")
    address = _address(name, dsn, flags.called(server.url)) if url else f"localhost:{port}"
    fields: dict[str, Any] = {"address": address, "dsn": dsn, "control": {"container": container or name}}
    try:
        control = controls.of(Service(name, **fields)).resolve()
    except Ambiguous:
        return fields, ""  # refused as soon as it is to be touched
    except BlackstartError:
        if container or not address or not _answers(name, address):
            return fields, ""
        fields["control"] = {"manual": f"the {name} at {address}"}
        return fields, f"; no container {name}, but a server answers at {address}: by hand"
    if url:
        return fields, ""
    # A container says itself where it is reached; one that publishes nothing is asked from inside only.
    address = control.published(port)
    fields |= {"address": address, "dsn": server.dsn.format(address) if address else ""}
    return fields, f"; {name} is {control.called()}, {f'at {address}' if address else 'published nowhere'}"


def _answers(name: str, address: str) -> bool:
    """Whether a server is there: the original scripts' local Redis."""
    return read_once(Tcp(address=address, name=name), 1.0).kind == "value"


def _reference(env: str, url: str) -> str:
    """The variable that holds the URL, so that the secret in it stays there; the URL itself where an option gave it."""
    return f"env:{env}" if url and one_word(os.environ.get(env, ""), " ") == url else url


def _address(name: str, dsn: str, flag: str) -> str:
    """Where the one server of a URL is; empty for a socket."""
    try:
        return protocols.address_of(Service(name, dsn=dsn))
    except BadTarget as error:
        raise BadFlag(f"{flag}: {error.args[0]}") from None
