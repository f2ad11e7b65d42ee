"""Rules of iptables as data: inserted at the top, marked as ours by their comment, deleted by their whole text.

Rules of others are never touched. A service on this machine is cut off where its packets come in; one on a machine
that we have no way to, where they leave this one; a container's published port also where they are forwarded to it.
"""

import shutil
from collections.abc import Iterator

from blackstart.base.codec import plain
from blackstart.faults._packets import LEASE_S, PacketPoint
from blackstart.model.change import Change
from blackstart.model.expect import Condition
from blackstart.model.step import Command
from blackstart.probes.command_state import ABSENT, THERE, CommandState

_WAIT = ("-w", "5")
_DOCKER = "DOCKER-USER"
# -C ends with 1 where there is no such rule; every other code means that it could not be told.
_DELETE = (
    'tool=$1; shift; while :; do said=$("$tool" -w 5 -C "$@" 2>&1); code=$?; [ $code = 0 ] || break; '
    '"$tool" -w 5 -D "$@" || exit; done; [ $code = 1 ] || { echo "$said" >&2; exit $code; }'
)


@plain("fault.rule")
class Rule:
    """One rule of one chain."""

    tool: str
    chain: str
    matches: tuple[str, ...]
    tag: str
    verdict: tuple[str, ...]

    @property
    def spec(self) -> tuple[str, ...]:
        """All that follows the chain; the comment makes it ours."""
        return (*self.matches, "-m", "comment", "--comment", self.tag, "-j", *self.verdict)

    def insert(self, point: PacketPoint) -> Command:
        """At the top of the chain."""
        return point.command(self.tool, *_WAIT, "-I", self.chain, "1", *self.spec)

    def delete(self, point: PacketPoint) -> Command:
        """This rule, however often it is there; that it is not there is fine."""
        argv = ("sh", "-c", _DELETE, "delete rule", self.tool, self.chain, *self.spec)
        return point.command(*argv, accepts=point.gone_with_it)

    def state(self, point: PacketPoint) -> CommandState:
        """Whether it is there, by its whole text."""
        command = point.command(self.tool, "-w", "1", "-C", self.chain, *self.spec)
        version = "6" if self.tool == "ip6tables" else ""
        name = f"{point.route.name}_{self.chain.lower()}_rule{version}"
        return CommandState(command.argv, name, command.host)


def change(point: PacketPoint, what: str, tag: str, verdict: tuple[str, ...], bites: Condition) -> Change:
    """All rules that give packets to the service this verdict. `bites` is what is seen from outside."""
    return made(point, what, tuple(rules_for(point, point.tag(tag), verdict)), bites, (point.route.answers(),))


def made(
    point: PacketPoint, what: str, rules: tuple[Rule, ...], bites: Condition, gone: tuple[Condition, ...]
) -> Change:
    """All of these rules. `bites` and `gone` are what is seen of them from outside."""
    change = Change(
        what=what,
        service=point.route.name,
        do=tuple(rule.insert(point) for rule in rules),
        undo=tuple(rule.delete(point) for rule in rules),
        bites=(bites, *(rule.state(point).is_(THERE) for rule in rules)),
        gone=(*gone, *(rule.state(point).is_(ABSENT) for rule in rules)),
        rights=tuple(point.right(rule.tool, *_WAIT, "-n", "-L", rule.chain) for rule in rules),
        undo_is_noop=True,
        lease_s=LEASE_S,
    )
    return point.change(change)


def rules_for(point: PacketPoint, tag: str, verdict: tuple[str, ...]) -> Iterator[Rule]:
    """The rules that catch what clients send to the service."""
    to_port = ("-p", "tcp", "--dport", str(point.port))
    far = point.far_addresses()
    for address in far:
        tool = "ip6tables" if ":" in address else "iptables"
        yield Rule(tool, "OUTPUT", ("-d", address, *to_port), tag, verdict)
    if far:
        return
    for tool in _families(point):
        yield Rule(tool, "INPUT", to_port, tag, verdict)
    if point.published and point.asked("iptables", *_WAIT, "-n", "-L", _DOCKER).ok:
        # By then the packet's port is the container's; conntrack remembers the one that was asked for. Only what was
        # led elsewhere (DNAT): other machines have services at that port too, and packets to them pass here as well.
        led = ("-m", "conntrack", "--ctstate", "DNAT", "--ctorigdstport", str(point.port), "--ctdir", "ORIGINAL")
        for chain in (_DOCKER, "OUTPUT"):
            yield Rule("iptables", chain, ("-p", "tcp", *led), tag, verdict)


def _families(point: PacketPoint) -> tuple[str, ...]:
    host = point.route.address.rpartition(":")[0]
    if "[" in host:
        return ("ip6tables",)
    if host.isascii() and host.replace(".", "").isdigit():
        return ("iptables",)
    # A name may lead to either.
    has_v6 = point.host is not None or shutil.which("ip6tables") is not None
    return ("iptables", "ip6tables") if has_v6 else ("iptables",)
