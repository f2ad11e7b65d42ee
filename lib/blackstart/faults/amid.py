"""Another fault in the middle of what a service has in hand: a program that keeps up is idle most of the time."""

from typing import Any

from blackstart.base.codec import plain
from blackstart.base.errors import NotAvailable
from blackstart.faults._service import service_under_test
from blackstart.model.change import Change
from blackstart.model.step import Command, Step
from blackstart.model.target import Target

_LONGEST_S = 20.0


@plain("fault.amid")
class Amid:
    """`fault`, which ends a service, strikes while that service has its hands full: it is frozen for `pause_s`, and
    work waits for it; then it goes on for `busy_s` while `other` (a lock, say) keeps it from finishing what it takes
    up. `other` is undone as soon as `fault` has struck; what waits for a lock is ended before that: its client is dead.

    It bites as `fault` does. Where the service can't be frozen, work waits for `other` alone.
    """

    fault: Any
    other: Any
    pause_s: float = 1.0
    busy_s: float = 1.0

    def __post_init__(self) -> None:
        if not hasattr(self.fault, "service"):
            raise ValueError(f"{self.fault.describe()} is no fault of one service, which could have its hands full")
        for name, given in (("pause_s", self.pause_s), ("busy_s", self.busy_s)):
            if not 0 < given <= _LONGEST_S:  # written so that NaN is refused too
                raise ValueError(f"{name} must be above 0 and at most {_LONGEST_S:g}, not {given}")

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises Refused where either fault can't be, and where a person would have to be that quick."""
        tested = service_under_test(target, self.fault.service)
        tested.refuse_by_hand("nobody strikes by hand while it has its hands full")
        (struck,), held = self.fault.plan(target), self.other.plan(target)
        pause, resume = _pausing(tested.control)
        hold = [step for change in held for step in change.do]
        let_go = [step for change in reversed(held) for step in change.undo]
        given_up = [self.other.end_waiting(target)] if hasattr(self.other, "end_waiting") else []
        change = Change(
            what=self.describe(),
            service=struck.service,
            do=(*pause, *hold, _wait(self.pause_s), *resume, _wait(self.busy_s), *struck.do, *given_up, *let_go),
            undo=(*let_go, *resume, *struck.undo),
            bites=struck.bites,
            gone=(*struck.gone, *(proof for one in held for proof in one.gone)),
            rights=tuple(step for one in (struck, *held) for step in one.rights),
            undo_is_noop=all(one.undo_is_noop for one in (struck, *held)),
            lease_s=min(one.lease_s for one in (struck, *held)),
        )
        return (change,)

    def describe(self) -> str:
        """As in "kill worker with its hands full (lock the table orders of postgres)"."""
        return f"{self.fault.describe()} with its hands full ({self.other.describe()})"


def _pausing(control: Any) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    try:
        return control.pause(), control.resume()
    except NotAvailable:
        return (), ()


def _wait(seconds: float) -> Command:
    return Command(("sleep", f"{seconds:g}"))
