"""Let a service find no names any more: what it asks name servers is dropped, and all else goes its way."""

import sys
from pathlib import Path

from blackstart.base.codec import plain
from blackstart.base.errors import Refused
from blackstart.faults import _dns_query, _netfilter
from blackstart.faults._packets import PacketPoint, packet_point
from blackstart.faults._service import service_under_test
from blackstart.faults._stress import local_pid
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.probes.command_state import ABSENT, THERE, CommandState

# The port that was asked for: a container's engine leads it to another one before the packet is seen here.
_TO_NAME_SERVERS = ("-m", "conntrack", "--ctorigdstport", "53", "--ctdir", "ORIGINAL")


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
        pid = local_pid(tested)
        try:
            lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        except OSError as error:
            raise Refused(f"as whom {self.service} runs can't be seen: {error}") from error
        ids = {words[0]: words[2] for words in lines if words and words[0] in ("Uid:", "Gid:")}
        if ids["Uid:"] == "0":
            raise Refused(
                f"{self.service} runs as root, in this machine's network: everything of root's would find no names. "
                "Run it as a user of its own, in a container, or in a namespace"
            )
        return ids["Uid:"], ids["Gid:"]

    def describe(self) -> str:
        """As in "let api find no names"."""
        return f"let {self.service} find no names"
