"""Let a service find no names any more: what it asks name servers is dropped, and all else goes its way."""

import contextlib
import sys
from pathlib import Path

import psutil

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults import _dns_query, _netfilter
from blackstart.faults._packets import PacketPoint, packet_point
from blackstart.faults._service import service_under_test
from blackstart.faults._stress import is_other, local_pid
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.probes.command_state import ABSENT, THERE, CommandState

# The port that was asked for: a container's engine leads it to another one before the packet is seen here.
_TO_NAME_SERVERS = ("-m", "conntrack", "--ctorigdstport", "53", "--ctdir", "ORIGINAL")
_INSTEAD = "Run it as a user of its own, in a container, or in a namespace"


@plain("fault.dns_failure")
class DnsFailure:
    """iptables drops what the service sends to port 53: in its own network (a container, a namespace), else of the user
    that it runs as, which must be one of its own. It bites when a query from there is dropped. Needs root.

    Names that the service keeps, or asks another process of the machine for (nscd, systemd-resolved by its socket), are
    still found.
    """

    service: str

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused without root or iptables, and where others would find no names either."""
        point = packet_point(target, self.service, "iptables")
        if point.host:
            raise Refused(f"{self.service} runs at {point.host}: its names are taken away on this machine only")
        user: tuple[str, ...] = ()
        if not point.netns and point.published:
            point = point.within()
        elif not point.netns:
            user = self._user(target)
        owner = ("-m", "owner", "--uid-owner", user[0]) if user else ()
        rules = tuple(
            _netfilter.Rule(tool, "OUTPUT", (*owner, *_TO_NAME_SERVERS), point.tag("dns-failure"), ("DROP",))
            for tool in ("iptables", "ip6tables")
        )
        dropped = self._dropped(point, user)
        return (
            _netfilter.made(
                point, self.describe(), rules, dropped.is_(THERE), (point.route.answers(), dropped.is_(ABSENT))
            ),
        )

    def _dropped(self, point: PacketPoint, user: tuple[str, ...]) -> CommandState:
        look = point.command(sys.executable, str(Path(_dns_query.__file__)), *user)
        return CommandState(
            look.argv, f"{self.service}_dns_queries_dropped", look.host, tuple(sorted(look.env.items()))
        )

    def _user(self, target: Target) -> tuple[str, str]:
        tested = service_under_test(target, self.service)
        tested.refuse_by_hand("as whom its process runs can't be seen")
        try:
            service = psutil.Process(local_pid(tested))
            user, group = service.uids().effective, service.gids().effective
            here = _is_here(service)
        except (OSError, psutil.Error) as error:
            raise Refused(f"as whom {self.service} runs can't be seen: {error}") from error
        if not here:
            raise Refused(
                f"{self.service} runs in a network of its own, of which a rule here would drop nothing. Name it in "
                f'[services.{self.service}]: net = {{ netns = "…" }}'
            )
        if user == 0:
            raise Refused(
                f"{self.service} runs as root, in this machine's network: everything of root's would find no names. "
                f"{_INSTEAD}"
            )
        if others := _others_as(user, service):
            raise Refused(
                f"{self.service} shares its user with other processes ({', '.join(others[:5])}) in this machine's "
                f"network, which would find no names, too. {_INSTEAD}"
            )
        return str(user), str(group)

    def describe(self) -> str:
        """As in "let api find no names"."""
        return f"let {self.service} find no names"


def _others_as(user: int, service: psutil.Process) -> list[str]:
    """The processes of that user in our network, which is where the rule is, that are not the service's."""
    found = []
    for one in psutil.process_iter(["uids"]):
        with contextlib.suppress(OSError, psutil.Error):  # it has ended
            if one.info["uids"].effective == user and _is_here(one) and is_other(one.pid, service.pid):
                found.append(str(one.pid))
    return found


def _is_here(process: psutil.Process) -> bool:
    """Whether it is in our network."""
    return Path(f"/proc/{process.pid}/ns/net").samefile("/proc/self/ns/net")
