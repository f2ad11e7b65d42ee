"""Limit the memory of a service: what it takes beyond that ends it, as on a machine that is too small."""

from dataclasses import replace

from blackstart.base.codec import plain
from blackstart.base.errors import NotAvailable, Refused, StepFailed
from blackstart.faults import _cgroups
from blackstart.faults._service import ServiceUnderTest, service_under_test
from blackstart.faults._stress import is_other, local_pid
from blackstart.model.change import Change
from blackstart.model.step import Command, Step
from blackstart.model.target import Target
from blackstart.probes.command_state import ABSENT, THERE, CommandState

_MB = 1024 * 1024
# A group that has ended has taken its limit along: a new one has the limit that its service is started with.
_SET = '[ ! -e "$1" ] || printf %s "$2" >"$1"'
_IS = '[ ! -e "$1" ] && exit "$3"; is=$(cat "$1") || exit 2; [ "$is" = "$2" ]'
_MAY = '[ -w "$1" ] || { echo "$1 may not be written: run this as root" >&2; exit 77; }'


@plain("fault.memory_limit")
class MemoryLimit:
    """`mb` megabytes are all that the service's control group may use from now on: by `docker update --memory` for a
    container that has a limit, else by the group's own file. It bites when the kernel has that limit.

    A container that is restarted keeps it; any other service that is restarted has the limit of its configuration.
    """

    service: str
    mb: int

    def __post_init__(self) -> None:
        if self.mb < 6:
            raise ValueError(f"mb must be at least 6, not {self.mb}: nothing runs with less")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where the service has no control group to itself, where it uses more than that by
        now, and where it has a narrower limit already."""
        tested = service_under_test(target, self.service)
        tested.refuse_by_hand("where its process runs can't be seen")
        group = self._group(tested, local_pid(tested))
        file, former, ours = str(group.limit_file), group.limit_file.read_text().strip(), str(self.mb * _MB)
        do, undo, rights = self._steps(tested, file, former, ours)
        limited = self._state("limited", file, ours, 1)
        back = self._state("unlimited", file, former, 0)
        undo = (*undo, *tested.control.start())
        made = tested.change(self.describe(), do, undo, (limited.is_(THERE),), rights)
        return (replace(made, gone=(*made.gone, back.is_(THERE), limited.is_(ABSENT))),)

    def _steps(self, tested: ServiceUnderTest, file: str, former: str, ours: str) -> tuple[tuple[Step, ...], ...]:
        """The do, the undo, and what shows whether we may."""
        try:
            return *tested.control.limit_memory(int(ours)), ()
        except NotAvailable:
            do, undo = (Command(("sh", "-c", _SET, "limit", file, value)) for value in (ours, former))
            return (do,), (undo,), (Command(("sh", "-c", _MAY, "may be limited", file)),)
        except StepFailed as error:
            raise Refused(f"the limit of {self.service} can't be seen: {error}") from error

    def _state(self, name: str, file: str, value: str, where_gone: int) -> CommandState:
        argv = ("sh", "-c", _IS, name, file, value, str(where_gone))
        return CommandState(argv, f"{self.service}_memory_{name}")

    def _group(self, tested: ServiceUnderTest, pid: int) -> _cgroups.Group:
        group = _cgroups.own_group(pid, "memory")
        if group is None or not group.limit_file.exists():
            raise Refused(
                f"{self.service} has no control group of its own whose memory could be limited. Run it in a container "
                "or as a unit, or take the memory away with the fault memory_stress"
            )
        if not tested.control.own_group:
            self._refuse_company(group, pid)
        used, limit = group.used_bytes(), _cgroups.memory_limit(pid)
        if used >= self.mb * _MB:
            raise Refused(
                f"{self.service} uses {used // _MB} MB already: limited to {self.mb} MB it would end at once, which is "
                "the fault kill"
            )
        if limit and limit[1] <= self.mb * _MB:
            raise Refused(f"{self.service} is limited to {limit[1] // _MB} MB already: give less than that")
        return group

    def _refuse_company(self, group: _cgroups.Group, pid: int) -> None:
        others = [one for one in sorted(map(int, group.members.read_text().split())) if is_other(one, pid)]
        if others:
            raise Refused(
                f"{self.service} shares its control group with other processes ({', '.join(map(str, others[:5]))}), "
                "and the limit would be theirs, too. Run it in a container or as a unit"
            )

    def describe(self) -> str:
        """As in "limit the memory of api to 50 MB"."""
        return f"limit the memory of {self.service} to {self.mb} MB"
