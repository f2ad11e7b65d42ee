"""What faults that use up a service's processors or memory share: a process of our own beside it, as data.

It runs on the service's processors and in its control groups, so that it takes of what the service has. What it is
(pid and start time) stands in a record before it begins; it is ended by that, whole, and by itself after ENDS_AFTER_S.
"""

import sys
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from blackstart.base.errors import Refused
from blackstart.base.state import state_dir
from blackstart.controls import process_tree
from blackstart.controls.steps.shell import command_line
from blackstart.faults import _cgroups, _stressor
from blackstart.faults._service import ServiceUnderTest, service_under_test
from blackstart.model.change import Change
from blackstart.model.expect import Condition
from blackstart.model.step import Command
from blackstart.model.target import Target
from blackstart.probes.command_state import ABSENT, THERE, CommandState

ENDS_AFTER_S = 660
"""Longer than any stretch may be, which is bounded by the lease of its change (600 s)."""
# The record is written by what will be the stressor, before it is one: whoever ends this finds it.
_BECOME = (
    'record=$1; shift; while [ "$1" != -- ]; do echo $$ >"$1" || exit 77; shift; done; shift; '
    'set -- "$(look $$)" "$@"; echo "$$:${1##* }" >"$record" || exit 73; shift; exec "$@"'
)
_BEGIN = (
    'record=$1; umask 077; mkdir -p "${record%/*}" || exit 73; rm -f "$record"; BECOME; left=200; '
    'until [ -s "$record" ]; do left=$((left - 1)); [ $left -gt 0 ] || { cat "$record.log" >&2; '
    'echo "the stressor did not begin within 10 s" >&2; exit 70; }; sleep 0.05 2>/dev/null || sleep 1; done'
)
_END = (
    'record=$1; { read -r one <"$record"; } 2>/dev/null || { rm -f "$record" "$record.log"; exit 0; }; every=; '
    'is "$one" && for each in $(tree "${one%%:*}"); do every="$every ${each%:*}"; done; '
    'for each in $every; do signal KILL "$each" || exit 1; done; '
    'for each in $every; do while is "$each"; do sleep 0.05 2>/dev/null || sleep 1; done; done; '
    'rm -f "$record" "$record.log"'
)
_LOOK = '{ read -r one <"$1"; } 2>/dev/null || exit 1; is "$one" || exit 1'
_WRITABLE = 'for one; do [ -w "$one" ] || { echo "nothing may be put into $one: run this as root" >&2; exit 77; }; done'


@dataclass(frozen=True)
class Stressed:
    """A service that something is put beside, and its main process on this machine."""

    tested: ServiceUnderTest
    pid: int
    kind: str
    record: str

    @property
    def groups(self) -> tuple[str, ...]:
        """The files by which a process gets into the service's own control groups."""
        found = [_cgroups.own_group(self.pid, name) for name in ("cpu", "cpuset", "memory")]
        return tuple(dict.fromkeys(str(group.members) for group in found if group))

    def own_stressor(self, kind: str, *figures: object) -> tuple[str, ...]:
        """The command of ours: it needs this Python and one file."""
        words = (kind, self.record, ENDS_AFTER_S, *figures)
        return (sys.executable, str(Path(_stressor.__file__)), *map(str, words))

    def change(self, what: str, argv: tuple[str, ...], bites: Condition) -> Change:
        """That this runs beside the service. It is undone when it is gone and the service is as before."""
        log = f"{self.record}.log"
        become = Command(
            ("sh", "-c", process_tree.script(_BECOME), "stressor", self.record, *self.groups, "--", *argv),
            detach=True, log=log, cwd=str(Path(self.record).parent),
        )  # fmt: skip
        begin = process_tree.script(_BEGIN.replace("BECOME", command_line(become)))
        end = Command(("sh", "-c", process_tree.script(_END), "end stressor", self.record))
        look = CommandState(
            ("sh", "-c", process_tree.script(_LOOK), "look for stressor", self.record),
            f"{self.tested.service.name}_{self.kind}_stressor",
        )
        may = Command(("sh", "-c", _WRITABLE, "may be put beside it", *self.groups))
        # What it did to the service may have ended it.
        undo = (end, *self.tested.control.start())
        made = self.tested.change(
            what, (Command(("sh", "-c", begin, "begin stressor", self.record)),), undo, (bites, look.is_(THERE)), (may,)
        )
        return replace(made, gone=(*made.gone, look.is_(ABSENT)))


def stressed(target: Target, name: str, kind: str) -> Stressed:
    """The service, checked to be one that something can be put beside. Raises Refused."""
    tested = service_under_test(target, name)
    tested.refuse_by_hand("where its process runs can't be seen")
    pid = local_pid(tested)
    mark = zlib.crc32(f"{target.name}/{tested.control.lock_name()}".encode())
    return Stressed(tested, pid, kind, str(state_dir() / "stress" / f"{kind}-{mark:08x}"))


def local_pid(tested: ServiceUnderTest) -> int:
    """The service's main process, as this machine numbers it. Raises Refused where it runs elsewhere."""
    name, control, pid = tested.service.name, tested.control, tested.state.pid
    if control.reach():
        raise Refused(
            f"{name} runs at {control.reach()}: this fault is made on this machine only. Run the drill there."
        )
    if pid is None:
        raise Refused(f"which process {name} is can't be seen through its control ({control.kind})")
    container = control.container_id()
    groups = Path(f"/proc/{pid}/cgroup")
    if container and not (groups.exists() and container in groups.read_text()):
        raise Refused(
            f"process {pid} of this machine is not {control.called()}'s: its engine runs in a machine of its own"
        )
    return pid


def is_other(pid: int, service: int) -> bool:
    """Whether the process `pid` lives, and neither is the process `service` nor descends from it. Each is asked for its
    parents, since a server forks all the time: a list of its children is soon an old one."""
    try:
        one = psutil.Process(pid)
        return service not in (pid, *(parent.pid for parent in one.parents()))
    except psutil.NoSuchProcess:
        return False
