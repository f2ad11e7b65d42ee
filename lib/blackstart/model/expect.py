"""What must hold, as plain data: conditions on probes, and expectations that say when a condition must hold.

    ready.is_(503)                                   a condition
    eventually(ready.is_(503), within_s=11)          must become true within 11 s of the fault taking effect
    always(health.is_("healthy"))                    must be true in every reading
    never(leaders.above(1))                          must be true in no reading

Two readings in a row decide, never one: systems flicker. `for_s` asks for longer.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, Protocol, Self

from blackstart.base.codec import plain
from blackstart.model.reading import Probe, Reading, Scalar

UNREACHABLE = "unreachable"
TIMED_OUT = "timed_out"
SILENT = "silent"
SILENCES = (UNREACHABLE, TIMED_OUT, SILENT)


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, int | float):
        return float(value)
    return None


def same_value(seen: Scalar, wanted: Any) -> bool:
    """Numbers are compared as numbers (1.0 is 1), but never a number with a truth value or with text."""
    if isinstance(seen, bool) or isinstance(wanted, bool):
        return seen is wanted
    return bool(seen == wanted)


def _ordered(compare: Callable[[float, float], bool]) -> Callable[[Scalar, Any], bool]:
    def test(seen: Scalar, wanted: Any) -> bool:
        left, right = _number(seen), _number(wanted)
        return left is not None and right is not None and compare(left, right)

    return test


TESTS: dict[str, Callable[[Scalar, Any], bool]] = {
    "is": same_value,
    "is not": lambda seen, wanted: not same_value(seen, wanted),
    "is one of": lambda seen, wanted: any(same_value(seen, item) for item in wanted),
    "above": _ordered(lambda a, b: a > b),
    "at least": _ordered(lambda a, b: a >= b),
    "below": _ordered(lambda a, b: a < b),
    "at most": _ordered(lambda a, b: a <= b),
    "contains": lambda seen, wanted: isinstance(seen, str) and str(wanted) in seen,
    "matches": lambda seen, wanted: isinstance(seen, str) and re.search(str(wanted), seen) is not None,
    "answers": lambda seen, wanted: True,
}
# Compared with the last value seen in the baseline, which the monitor supplies as `wanted`.
NOT_FALLEN = "has not fallen"
AGAINST_BASELINE = ("is as before", NOT_FALLEN, "has risen")
TESTS["is as before"] = same_value
TESTS[NOT_FALLEN] = TESTS["at least"]
TESTS["has risen"] = TESTS["above"]
# An age in seconds: below the limit, and younger than the proven effect that the monitor counts from.
FRESH = "is fresh, below"
TESTS[FRESH] = TESTS["below"]
ORDERED = ("above", "at least", "below", "at most", NOT_FALLEN, "has risen", FRESH)


@plain("condition")
class Condition:
    """A test on what one probe reads. `op` is a key of TESTS, `unreachable`, `timed_out` or `silent` (either)."""

    probe: Probe
    op: str
    wanted: Any = None
    for_s: float = 0.0

    @property
    def probes(self) -> tuple[Probe, ...]:
        """What is read for it."""
        return (self.probe,)

    def on(self, change: Callable[[Probe], Probe]) -> Self:
        """The same over another probe."""
        return replace(self, probe=change(self.probe))

    def lasting(self, for_s: float) -> Self:
        """As an abort condition only where it is true in all readings of that time: one alone is flicker."""
        return replace(self, for_s=for_s)

    def __post_init__(self) -> None:
        if self.op not in TESTS and self.op not in SILENCES:
            raise ValueError(f"no comparison {self.op!r}; known: {', '.join(TESTS)}, unreachable, timed_out, silent")
        if self.op == "matches":
            self._check_pattern()
        if self.op == "is one of" and not isinstance(self.wanted, list | tuple):
            raise ValueError(f"{self.probe.name} is one of what? {self.wanted!r} is no list")

    def _check_pattern(self) -> None:
        try:
            re.compile(str(self.wanted))
        except re.error as error:
            raise ValueError(f"{self.wanted!r} is not a regular expression: {error}") from error

    def heard(self, reading: Reading) -> Reading:
        """The reading as it is for this condition: what is no number is neither above another one nor below it."""
        if self.op not in ORDERED or reading.kind != "value" or _number(reading.value) is not None:
            return reading
        return replace(reading, kind="unreadable", value=None, note=f"{str(reading.value)[:40]!r} is no number")

    def matches(self, reading: Reading, reference: Scalar = None) -> bool:
        """Whether this reading fulfils the condition; `reference` is the baseline's value where the op needs one."""
        if self.op in (UNREACHABLE, TIMED_OUT):
            return reading.kind == self.op
        if self.op == SILENT:
            return reading.kind in (UNREACHABLE, TIMED_OUT)
        if reading.kind != "value":
            return False
        return TESTS[self.op](reading.value, reference if self.op in AGAINST_BASELINE else self.wanted)

    def __str__(self) -> str:
        if self.op in AGAINST_BASELINE or self.op in (*SILENCES, "answers"):
            verb = self.op if self.op in AGAINST_BASELINE or self.op == "answers" else f"is {self.op.replace('_', ' ')}"
            return f"{self.probe.name} {verb}"
        return f"{self.probe.name} {self.op} {self.wanted}"


class Relation(Protocol):
    """What must be true of several readings at one time, in a condition's place: see `blackstart.model.relations`."""

    @property
    def op(self) -> str: ...
    @property
    def for_s(self) -> float: ...
    @property
    def probes(self) -> tuple[Probe, ...]:
        """What is read for it."""
        ...

    @property
    def needs_agreement(self) -> bool:
        """Whether it must have been true once before it can be violated."""
        ...

    def on(self, change: Callable[[Probe], Probe]) -> Self:
        """The same over other probes."""
        ...

    def says(self, reading: Reading) -> tuple[Scalar, ...]:
        """What the reading says of each side; None of those that it says nothing of."""
        ...

    def applies(self, said: Sequence[Scalar]) -> bool | None:
        """Whether there is anything to hold where the sides say this; None where that is not known."""
        ...

    def holds(self, said: Sequence[Scalar]) -> bool:
        """Whether the sides may say this at one time."""
        ...


class Conditions:
    """Mixed into every probe: the methods that make conditions of it."""

    def is_(self, wanted: Scalar) -> Condition:
        """Equal to `wanted`; numbers as numbers, so that 1.0 is 1."""
        return Condition(self, "is", wanted)  # type: ignore[arg-type]

    def is_not(self, wanted: Scalar) -> Condition:
        """A value, and not `wanted`."""
        return Condition(self, "is not", wanted)  # type: ignore[arg-type]

    def is_one_of(self, *wanted: Scalar) -> Condition:
        """Equal to one of these."""
        return Condition(self, "is one of", wanted)  # type: ignore[arg-type]

    def above(self, wanted: float) -> Condition:
        """A number above `wanted`."""
        return Condition(self, "above", wanted)  # type: ignore[arg-type]

    def at_least(self, wanted: float) -> Condition:
        """A number not below `wanted`."""
        return Condition(self, "at least", wanted)  # type: ignore[arg-type]

    def below(self, wanted: float) -> Condition:
        """A number below `wanted`."""
        return Condition(self, "below", wanted)  # type: ignore[arg-type]

    def at_most(self, wanted: float) -> Condition:
        """A number not above `wanted`."""
        return Condition(self, "at most", wanted)  # type: ignore[arg-type]

    def contains(self, wanted: str) -> Condition:
        """Text that contains `wanted`."""
        return Condition(self, "contains", wanted)  # type: ignore[arg-type]

    def matches(self, pattern: str) -> Condition:
        """Text in which the regular expression is found."""
        return Condition(self, "matches", pattern)  # type: ignore[arg-type]

    def answers(self) -> Condition:
        """Any value at all."""
        return Condition(self, "answers")  # type: ignore[arg-type]

    def unreachable(self) -> Condition:
        """Refused, reset, no route."""
        return Condition(self, UNREACHABLE)  # type: ignore[arg-type]

    def timed_out(self) -> Condition:
        """No answer within the read's time limit."""
        return Condition(self, TIMED_OUT)  # type: ignore[arg-type]

    def silent(self) -> Condition:
        """Unreachable or timed out."""
        return Condition(self, SILENT)  # type: ignore[arg-type]

    def as_before(self) -> Condition:
        """The value that the baseline ended with."""
        return Condition(self, "is as before")  # type: ignore[arg-type]

    def not_fallen(self) -> Condition:
        """Not below the value that the baseline ended with, nor, where it holds always, below what it was since in two
        readings in a row: a counter that fell was a restart."""
        return Condition(self, NOT_FALLEN)  # type: ignore[arg-type]

    def fresh(self, below_s: float) -> Condition:
        """An age below `below_s` seconds that began after the effect which `within_s` counts from: it beats again."""
        return Condition(self, FRESH, below_s)  # type: ignore[arg-type]

    def risen(self) -> Condition:
        """Above the value that the baseline ended with."""
        return Condition(self, "has risen")  # type: ignore[arg-type]


BASELINE_WITHIN_S = 15.0
"""What the shipped experiments give their baselines, and what a load is given to flow where nothing else is awaited."""

When = Literal["eventually", "always", "never"]


@plain("expectation")
class Expectation:
    """When a condition must hold. `within_s` counts from the fault's proven effect (or from the proven undo).

    `for_s`: an `eventually` must stay true that long; for `always` and `never`, violations shorter than that are
    flicker. `requires` says what the target must show for this to be observable; it stands in the plan, and in the
    message where it was not there. `criterion` marks what must have been observed for *held*; anything else that a
    target can't show is listed as not observed. `hint` is printed when it fails. A `momentary` state is passed through
    (a breaker half open): one reading of it decides, and leaving it again is as it should be. One that `stays` must not
    be left again before its window ends, not even for a while, unless that is shorter than `for_s`. `drains_per_s` says
    that it is a queue of the load's own requests, emptied at this rate at most: it broke only if there was a reading at
    which some of them must have waited. `assumed` says what `within_s` was taken from where the target promises
    nothing, and what to declare: what then came true later is inconclusive.
    """

    when: When
    condition: Condition | Relation
    name: str
    within_s: float | None = None
    for_s: float = 0.0
    hint: str = ""
    requires: str = ""
    criterion: bool = True
    momentary: bool = False
    stays: bool = False
    drains_per_s: float = 0.0
    assumed: str = ""

    def __post_init__(self) -> None:
        if self.when != "always" and not isinstance(self.condition, Condition):
            raise ValueError(f"{self.name}: what relates several readings holds always, or it is no relation")
        # Written so that NaN is refused too: with it, no limit would ever pass.
        if self.condition.for_s:
            raise ValueError(f"{self.name}: lasting() is for abort conditions; an expectation has for_s of its own")
        if not self.for_s >= 0:
            raise ValueError(f"{self.name}: for_s must not be below 0, as {self.for_s} is")
        if self.stays and (self.momentary or self.when != "eventually"):
            raise ValueError(f"{self.name}: only what eventually comes true, and is not momentary, can stay")
        if not self.drains_per_s >= 0:
            raise ValueError(f"{self.name}: drains_per_s must not be below 0, as {self.drains_per_s} is")
        if self.when == "eventually" and not (self.within_s is not None and self.within_s > 0):
            raise ValueError(f"{self.name}: within_s must be above 0, not {self.within_s}")


def _named(condition: Condition | Relation, name: str) -> str:
    return name or re.sub(r"\W+", "_", str(condition)).strip("_")


def eventually(condition: Condition, *, within_s: float = 30.0, name: str = "", **more: Any) -> Expectation:
    """The condition becomes true within `within_s` seconds."""
    return Expectation("eventually", condition, _named(condition, name), within_s=within_s, **more)


def always(condition: Condition | Relation, *, name: str = "", **more: Any) -> Expectation:
    """The condition is true in every reading of the window, and there are readings without a gap."""
    return Expectation("always", condition, _named(condition, name), **more)


def never(condition: Condition, *, name: str = "", **more: Any) -> Expectation:
    """The condition is true in no reading of the window, and there are readings without a gap."""
    return Expectation("never", condition, _named(condition, name), **more)
