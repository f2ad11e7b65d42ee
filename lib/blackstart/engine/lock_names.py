"""What a run locks: the things themselves, whatever they are called in whatever target, so that two runs meet there."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import psutil

from blackstart.base.errors import BadTarget, BlackstartError, Refused, StepFailed
from blackstart.base.sockets import Deadline, NoAnswer, is_loopback, resolve
from blackstart.controls.process import Process
from blackstart.model import protocols
from blackstart.model.control import Control
from blackstart.model.injector import without_user
from blackstart.model.target import Service, Target
from blackstart.proxy.client import ToxiproxyClient
from blackstart.safety.preflight.link_proofs import listening, sockets
from blackstart.safety.processes import identity, namespaces

_LOOK_UP_WITHIN_S = 2.0
_ASK_WITHIN_S = 2.0


def of_target(target: Target) -> str:
    """The one name of a target on this machine, for the lock that keeps two runs apart, however it is written."""
    with suppress(BadTarget):
        api = protocols.read_http(target.api, whole_path=True)
        return f"target:{api.scheme}://{_one_name(api.place.address)}{api.path.rstrip('/').lower()}"
    return f"target:{without_user(target.api) or target.name}"


def of_services(services: list[Service], target: Target, found: dict[str, Control]) -> list[str]:
    """The names of these services: how they are controlled, which process each is now, and where each is reached."""
    controlled = [found[one.name] for one in services if one.name in found]
    names = [control.lock_name() for control in controlled]
    names += [name for control in controlled for name in _running(control)]
    for one in services:
        places, control = _places(one), found.get(one.name)
        names += _proxied(one, target, local=control is None or not control.reach())
        names += places or ([] if one.name in found else [f"service:{target.name}/{one.name}"])
    return names


def _running(control: Control) -> Iterator[str]:
    """What runs now, the same by whatever it is found; nothing where nothing runs or can be seen."""
    with suppress(StepFailed, Refused):
        state = control.read_state()
        began = identity.started(state.pid) if state.pid and not control.reach() else None
        if state.pid and began:
            yield f"process:{state.pid}:{began}"
            yield from _lasting(state.pid)
        elif state.instance:
            yield f"life:{state.instance}"


def _lasting(pid: int) -> Iterator[str]:
    """What a process has in its next life, too: a run that starts it anew is met by one that is planned then.

    Where it listens; of one that does nowhere, its command line as the control has it that finds by that. Two services
    may have one command line (and a pid file each): then it is neither's. Containers have networks, and ports, of
    their own.
    """
    line, ports = "", set[int]()
    with suppress(psutil.Error, OSError):
        network = namespaces.here().network
        if not network or os.readlink(f"/proc/{pid}/ns/net") == network:
            root = psutil.Process(pid)
            # Each of its children takes long to look at, and a server has many.
            ports = listening(root.net_connections("tcp")) or listening(sockets(root))
            line = "" if ports else " ".join(root.cmdline()).rstrip()
    yield from (f"address:localhost:{port}" for port in sorted(ports))
    by_line = Process(line, ())
    if line and by_line.read_state().pid == pid:
        yield by_line.lock_name()


def _places(service: Service) -> list[str]:
    """Where it is reached: its address, which may be a proxy's, and all that its dsn and its url lead to."""
    given = [service.address] if service.address else []
    for url in filter(None, (service.dsn, service.url)):
        with suppress(BadTarget):  # told by who has use for it
            found = protocols.located(replace(service, dsn=url))
            # Who listens at a socket of this machine listens at the same port, too.
            given += [place.address or f"localhost:{place.port}" for place in (found.places if found else ())]
    return list(dict.fromkeys(f"address:{_one_name(each)}" for each in dict.fromkeys(given)))


def _proxied(service: Service, target: Target, local: bool) -> Iterator[str]:
    """The fault proxy that it is reached through, and where that leads to. What a proxy in a container calls a host,
    and this machine does not know, may be another one in the next container; so may the loopback of one that is on the
    way to a service elsewhere."""
    with suppress(BlackstartError, NoAnswer):
        if service.proxy_name:
            api = protocols.read_http(target.proxy)
            yield f"proxy:{_one_name(api.place.address)}/{service.proxy_name}"
            upstream = ToxiproxyClient(api.text, _ASK_WITHIN_S).proxy(service.proxy_name).upstream
            host, _, port = upstream.rpartition(":")
            if local or not is_loopback(host):
                yield f"address:{_machine(api.place.host if is_loopback(host) else host)}:{port}"


def _one_name(address: str) -> str:
    host, _, port = address.lower().rpartition(":")
    with suppress(NoAnswer):
        return f"{_machine(host)}:{port}" if host else port
    return f"{host}:{port}"


def _machine(host: str) -> str:
    """`localhost` for every name and address of this machine; else the first address. Raises NoAnswer for no host."""
    plain = host.strip("[]").removesuffix(".")
    if plain == "localhost" or plain.endswith(".localhost"):
        return "localhost"
    found = [(family, str(address[0])) for family, address in resolve(plain, 0, Deadline(_LOOK_UP_WITHIN_S))]
    if any(_ours(family, address) for family, address in found):
        return "localhost"
    first = min(address for _, address in found)
    return f"[{first}]" if ":" in first else first


def _ours(family: int, address: str) -> bool:
    """Whether this machine has the address, as only such a one can be bound."""
    with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return True
    return False
