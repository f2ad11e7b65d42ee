"""A schedule of faults as data: which is in force from when to when."""

from dataclasses import dataclass
from typing import Any

from blackstart.base.codec import plain
from blackstart.model.change import Change
from blackstart.model.target import Target


@plain("at")
class At:
    """One stretch of the fault phase: `fault` is injected `at_s` seconds after its beginning and undone `hold_s` later.

    Without a fault it is a stretch to compare the others with. `name` is what checks (as a `phase`) and reports call
    it; "" takes the fault's own words.
    """

    fault: Any
    at_s: float
    hold_s: float
    name: str = ""

    def __post_init__(self) -> None:
        # Written so that NaN is refused too.
        if not self.at_s >= 0:
            raise ValueError(f"at_s must not be below 0, as {self.at_s} is")
        if not self.hold_s > 0:
            raise ValueError(f"hold_s must be above 0, not {self.hold_s}")
        if self.fault is None and not self.name:
            raise ValueError("a stretch without a fault needs a name")

    @property
    def called(self) -> str:
        """Its name."""
        return self.name or str(self.fault.describe())

    def plan(self, target: Target) -> tuple[Change, ...]:
        """The fault's changes; none without one."""
        planned: tuple[Change, ...] = self.fault.plan(target) if self.fault else ()
        return planned

    def describe(self) -> str:
        """As in "stop redis, from T+5 s to T+30 s"."""
        return f"{self.fault.describe() if self.fault else 'no fault'}, {when(self.at_s, self.at_s + self.hold_s)}"


@dataclass(frozen=True)
class Stretch:
    """An `At` of one run, with the numbers of its changes; seconds since the fault phase began."""

    name: str
    from_s: float
    to_s: float
    changes: tuple[int, ...]

    @property
    def when(self) -> str:
        """For people."""
        return when(self.from_s, self.to_s)


def when(from_s: float, to_s: float) -> str:
    """As in "from T+5 s to T+30 s"."""
    return f"from T+{from_s:g} s to T+{to_s:g} s"
