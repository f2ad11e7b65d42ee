"""Queues of Linux's traffic control as data: what leaves an interface for a service's clients is held up, alone.

The root queue (`htb`, with a handle of our own) sends the service's packets through a class with a slow queue in it and
all others straight on. Deleting that root by its handle takes everything of ours along, and the kernel puts its own
queue back. An interface whose root queue is somebody else's is refused.
"""

import zlib

from blackstart.base.errors import Refused
from blackstart.base.sockets import is_loopback
from blackstart.faults._packets import LEASE_S, PacketPoint, packet_point
from blackstart.model.change import Change
from blackstart.model.expect import Condition
from blackstart.model.step import Command
from blackstart.model.target import Target
from blackstart.probes.command_state import ABSENT, THERE, CommandState

_TCP = "6"
_UNLIMITED = "32gbit"
# The first two say that it is there, or not; a device that is gone has no queue.
_LOOK = (
    'shown=$(tc qdisc show dev "$1" 2>&1) || { case $shown in *"Cannot find device"*) exit 1 ;; esac; '
    'echo "$shown" >&2; exit 2; }; printf "%s\\n" "$shown" | grep -q "^qdisc htb $2 root"'
)
_DELETE = "look() { " + _LOOK + '; }; ( look "$@" ); code=$?; [ $code = 1 ] && exit 0; '
_DELETE += '[ $code = 0 ] || exit $code; exec tc qdisc del dev "$1" root handle "$2"'
# A namespace of the moment: the kernel is asked whether it has the parts, and nothing of the machine is touched.
_HAS_PARTS = (
    "said=$(unshare -n sh -c 'tc qdisc add dev lo root handle 1: htb && tc class add dev lo parent 1: classid 1:1 htb "
    'rate 1gbit && tc qdisc add dev lo parent 1:1 "$@" && tc filter add dev lo parent 1: protocol ip prio 1 u32 match '
    'ip sport 1 0xffff flowid 1:1\' parts "$@" 2>&1) && exit; '
    'echo "this kernel can not: $said" >&2; exit 1'
)


def leaving_point(target: Target, name: str) -> PacketPoint:
    """Where packets of the service leave: in its own network, where it has one."""
    point = packet_point(target, name, "tc", "ip")
    return point.within() if point.published else point


def change(point: PacketPoint, what: str, slow: tuple[str, ...], bites: Condition, clear: Condition) -> Change:
    """The service's packets pass through the queue `slow` (its kind and settings), where they leave."""
    device = device_of(point)
    handle = f"{0x8000 | zlib.crc32(f'{point.tag(slow[0])}/{device}'.encode()) & 0x7FFE:x}:"
    _refuse_foreign(point, device, handle)
    look = point.command("sh", "-c", _LOOK, "look for queue", device, handle)
    state = CommandState(look.argv, f"{point.route.name}_queue", look.host, tuple(sorted(look.env.items())))
    made = Change(
        what=what,
        service=point.route.name,
        do=tuple(point.command("tc", *words) for words in _steps(point, device, handle, slow)),
        undo=(undo(point, device, handle),),
        bites=(bites, state.is_(THERE)),
        gone=(clear, state.is_(ABSENT)),
        rights=(
            point.right("tc", "qdisc", "show", "dev", device),
            Command(("sh", "-c", _HAS_PARTS, "kernel has queues", *slow), host=point.host),
        ),
        undo_is_noop=True,
        lease_s=LEASE_S,
    )
    return point.change(made)


def undo(point: PacketPoint, device: str, handle: str) -> Command:
    """Delete our root queue by its handle; that it is not there is fine."""
    return point.command("sh", "-c", _DELETE, "delete queue", device, handle, accepts=point.gone_with_it)


def _steps(point: PacketPoint, device: str, handle: str, slow: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    far = point.far_addresses()
    # What comes from the service where it runs; what goes to it where it does not.
    ends = [("dst", address, "dport") for address in far] or [("", "", "sport")]
    filters = []
    for side, address, port in ends:
        if ":" in address:
            raise Refused(f"{point.route.name} is at {address}: queues are only sorted for IPv4 here")
        to = ("match", "ip", side, f"{address}/32") if side else ()
        tcp = ("match", "ip", "protocol", _TCP, "0xff", *to)
        tcp += ("match", "ip", port, str(point.inner_port or point.port), "0xffff")
        filters.append(
            ("filter", "add", "dev", device, "parent", handle, "protocol", "ip", "prio", "1", "u32", *tcp)
            + ("flowid", f"{handle}1")
        )
    return (
        ("qdisc", "add", "dev", device, "root", "handle", handle, "htb"),
        ("class", "add", "dev", device, "parent", handle, "classid", f"{handle}1", "htb", "rate", _UNLIMITED),
        ("qdisc", "add", "dev", device, "parent", f"{handle}1", *slow),
        *filters,
    )


def device_of(point: PacketPoint) -> str:
    """The interface that the service's packets leave by. Raises Refused where it is not known."""
    if point.interface:
        return point.interface
    here = not point.netns and not point.host and not point.published
    if here and is_loopback(point.route.address.rpartition(":")[0]):
        return "lo"
    raise Refused(
        f"which interface do packets of {point.route.name} leave by? Say it in the target file: "
        f'[services.{point.route.name}] net = {{ interface = "eth0" }}'
    )


def mtu_bytes(point: PacketPoint, device: str) -> int:
    """The largest packet of the interface. Raises Refused where there is none."""
    told = point.asked("ip", "-o", "link", "show", "dev", device)
    words = told.stdout.split()
    if not told.ok or "mtu" not in words:
        raise Refused(f'{point.route.name}: there is no interface "{device}" ({told.stderr.strip()})')
    return int(words[words.index("mtu") + 1])


def _refuse_foreign(point: PacketPoint, device: str, handle: str) -> None:
    told = point.asked("tc", "qdisc", "show", "dev", device, "root")
    if not told.ok:
        raise Refused(f"{point.route.name}: the queues of {device} can't be seen: {told.stderr.strip()}")
    words = told.stdout.split()
    if len(words) > 2 and words[2] not in ("0:", handle):
        raise Refused(
            f"{device} has a root queue already ({' '.join(words[1:3])}), and ours would take its place. "
            "Put a fault proxy on the way instead."
        )
