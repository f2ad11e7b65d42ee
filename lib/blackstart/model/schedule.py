"""A schedule of faults as data: which is in force from when to when."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from blackstart.base.codec import plain
from blackstart.model.change import Change
from blackstart.model.target import Target

BETWEEN_S = 2.0
"""So long after one fault of a service the next may begin: by then the first is proved undone, and to stay so."""
_APART_S = 2 * BETWEEN_S  # an undo takes its time, and random times are rounded


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


def chaos_monkey(
    faults: Sequence[Any],
    *,
    seed: int,
    probability: float,
    rounds: int,
    every_s: float,
    hold_s: tuple[float, float] = (5.0, 10.0),
) -> tuple[At, ...]:
    """Single random failures: in each of `rounds` of `every_s` seconds, with that probability, one of the faults, at
    some time and held for some time of `hold_s` (least, most).

    The same arguments give the same schedule, on every machine and Python; another probability gives more or fewer of
    the same failures. The seed stands in each stretch's name, and so in plan, journal and reports. Raises ValueError
    where nothing is drawn, and where a round is too short for one.
    """
    least_s, most_s = hold_s
    if not 0 < probability <= 1:  # written so that NaN is refused too
        raise ValueError(f"probability must be above 0 and at most 1, not {probability}")
    if not faults or not 0 < least_s <= most_s or not most_s + _APART_S <= every_s or rounds < 1:
        raise ValueError(
            f"it wants a fault, a round, and every_s of {_APART_S:g} s more than the longest hold, not {len(faults)} "
            f"faults, {rounds} rounds, every_s={every_s} and hold_s={hold_s}"
        )
    drawn, made = random.Random(seed), []
    for number in range(rounds):
        # As many draws whatever comes of them: no round depends on what others came to.
        strikes, which, long, late = (drawn.random() for _ in range(4))
        if strikes >= probability:
            continue
        fault = faults[int(which * len(faults))]
        held_s = round(least_s + long * (most_s - least_s), 1)
        at_s = round(number * every_s + late * (every_s - _APART_S - held_s), 1)
        made.append(At(fault, at_s, held_s, f"{fault.describe()} (seed {seed}, round {number + 1})"))
    if not made:
        raise ValueError(
            f"seed {seed} draws nothing in {rounds} rounds at {probability:g}: take another, or more rounds"
        )
    return tuple(made)


def when(from_s: float, to_s: float) -> str:
    """As in "from T+5 s to T+30 s"."""
    return f"from T+{from_s:g} s to T+{to_s:g} s"
