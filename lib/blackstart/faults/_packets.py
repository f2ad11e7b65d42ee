"""What faults on packets share: where a service's packets can be reached, and commands there as data.

A service's `net` table says where: `netns` (a network namespace, by name), `host` (`ssh://…`, the machine that the
service runs on), `interface` (of queues). Without it, it is this machine. All of it needs root, and Linux.
"""

import math
import os
import re
import shutil
import socket
import sys
import zlib
from dataclasses import dataclass, replace
from typing import Self

from blackstart import controls
from blackstart.base.errors import BadTarget, NotAvailable, Refused, StepFailed
from blackstart.base.sockets import is_loopback, parse_address
from blackstart.controls import read_table
from blackstart.controls.steps.local import run
from blackstart.controls.steps.outcome import Outcome
from blackstart.controls.steps.shell import command_line
from blackstart.faults._wire import SPARE_S, Route, route_to
from blackstart.model.change import Change
from blackstart.model.control import Control
from blackstart.model.step import Command
from blackstart.model.target import Target

LEASE_S = 600.0
# A namespace that is gone has taken its rules and queues along.
_NO_NAMESPACE = ("Cannot open network namespace",)
_NAME = re.compile(r"\w[\w.@:-]*\Z")
_NO_ROOT = 77
_ROOT = f'[ "$(id -u)" = 0 ] || {{ echo "this needs root" >&2; exit {_NO_ROOT}; }}; exec "$@" >/dev/null'
# Not every shell's own `kill` knows process groups, so the one that waits ends its nap itself.
_ARM = (
    'umask 077; mkdir -p "${1%/*}" && rm -f "$1" || exit 73; setsid sh -c \'trap "kill \\$nap; exit" TERM; '
    'sleep "$2" & nap=$!; wait $nap; read -r one <"$1" && [ "$one" = $$ ] && sh -c "$3"; rm -f "$1"\' '
    'timed-undo "$@" >/dev/null 2>&1 </dev/null & echo $! >"$1"'
)
_DISARM = (
    '{ read -r one <"$1"; } 2>/dev/null || exit 0; case $({ tr "\\0" " " <"/proc/$one/cmdline"; } 2>/dev/null) in '
    '*timed-undo*"$1"*) kill -s TERM "$one" || exit ;; esac; rm -f "$1"'
)


@dataclass(frozen=True)
class PacketPoint:
    """Where a service's packets can be reached, and who talks to it there.

    `entered` leads into the network of the service's own, where the port is `inner_port`. On another host a change may
    live for `lease_s`.
    """

    route: Route
    target: str
    netns: str = ""
    host: str | None = None
    interface: str = ""
    entered: Control | None = None
    inner_port: int = 0
    lease_s: float = LEASE_S

    @property
    def port(self) -> int:
        """The service's."""
        return parse_address(self.route.address)[1]

    @property
    def published(self) -> bool:
        """The service has a network of its own, of which this machine, or `host`, publishes the port."""
        return not self.netns and controls.offers(self.route.service, lambda control: control.in_network(()))

    @property
    def gone_with_it(self) -> tuple[str, ...]:
        """What commands here say once the network, with its rules and queues, has ended."""
        return (*_NO_NAMESPACE, *(self.entered.network_gone if self.entered else ()))

    def far_addresses(self) -> tuple[str, ...]:
        """The service's addresses where it runs on a machine that we can't reach; empty where we are at its machine."""
        name, port = parse_address(self.route.address)
        if self.netns or self.host or self.published or is_loopback(name):
            return ()
        try:
            found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Refused(f"{self.route.name}: {name} has no address ({error})") from error
        addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
        return () if all(_is_ours(address) for address in addresses) else addresses

    def tag(self, what: str) -> str:
        """Marks what is ours: by target, service and fault."""
        return re.sub(r"[^\w./:-]+", "_", f"blackstart:{self.target}/{self.route.name}/{what}")[:200]

    def command(self, *argv: str, **more: object) -> Command:
        """A command where the packets are."""
        if self.entered is not None:
            return replace(self.entered.in_network(argv), **more)  # type: ignore[arg-type]
        words = ("ip", "netns", "exec", self.netns, *argv) if self.netns else argv
        return replace(Command(words, host=self.host), **more)  # type: ignore[arg-type]

    def within(self) -> Self:
        """The same point in the service's own network, at its port there. Raises Refused where there is no way in."""
        control = controls.resolved(self.route.service)
        try:
            control.in_network(())
            inner_port = control.inner_port(self.port)
        except NotAvailable as error:
            raise Refused(f"{self.route.name}: {error.reason}") from error
        except StepFailed as error:
            raise Refused(f"the ports of {self.route.name} can't be seen: {error}") from error
        return replace(self, entered=control, inner_port=inner_port, interface=self.interface or "eth0")

    def asked(self, *argv: str) -> Outcome:
        """What a harmless command says there, now. Raises Refused where it can't be run."""
        try:
            return run(self.command(*argv))
        except StepFailed as error:
            raise Refused(f"{self.route.name}: {error}") from error

    def right(self, *argv: str) -> Command:
        """A harmless command that fails where root, or the program, is missing."""
        return self.command("sh", "-c", _ROOT, "as root", *argv)

    def change(self, made: Change) -> Change:
        """The change; on another host, that host is told first to undo it by itself, in case that we can't."""
        if not self.host:
            return replace(made, ends_with_network=not self.netns and self.entered is None)
        # Others may call theirs the same on that host: a timer that is armed anew ends the one of its file.
        mark = zlib.crc32(f"{self.netns} {self.route.address}".encode())
        file = f"/run/blackstart/{re.sub(r'[^A-Za-z0-9._-]+', '_', self.tag(made.what))}-{mark:08x}"
        lines = "; ".join(command_line(replace(step, host=None)) for step in made.undo if isinstance(step, Command))
        # What may cut our way to its own host is taken back there, by the host itself.
        after = str(math.ceil(self.lease_s + SPARE_S))
        arm = Command(("sh", "-c", _ARM, "arm a timed undo", file, after, lines), host=self.host)
        disarm = Command(("sh", "-c", _DISARM, "disarm the timed undo", file), host=self.host)
        return replace(made, do=(arm, *made.do), undo=(*made.undo, disarm), lease_s=self.lease_s)


def packet_point(target: Target, name: str, *programs: str) -> PacketPoint:
    """Where the packets of a service are. Raises Refused where we can't get at them: no root, no such program."""
    route = route_to(target, name)
    where = f"[services.{name}] net"
    values = read_table(where, route.service.net, {"netns": str, "host": str, "interface": str})
    for key in ("netns", "interface"):
        if key in values and not _NAME.match(values[key]):
            raise BadTarget(f'{where}: "{values[key]}" can\'t be the name of a {key}')
    host = values["host"] if "host" in values else controls.host_of(route.service)
    named = values.get("netns", ""), host, values.get("interface", "")
    point = PacketPoint(route, target.name, *named, lease_s=target.in_force_s)
    if host is None:
        _refuse_here(*programs, *(("ip",) if point.netns else ()))
    route.normal()
    return point


def _refuse_here(*programs: str) -> None:
    if sys.platform != "linux":
        raise Refused(f"{programs[0]} is Linux's own; on this system, put a fault proxy on the way instead")
    if os.geteuid() != 0:
        raise Refused(f"{programs[0]} needs root: run this as root, or put a fault proxy on the way instead")
    for program in programs:
        if shutil.which(program) is None:
            raise Refused(f"there is no {program} on this machine; install it (iptables, iproute2)")


def _is_ours(address: str) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
