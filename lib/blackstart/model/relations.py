"""What must be true of several readings at one time, as plain data. It stands in an expectation in a condition's place.

    implies(ready.is_(200), leader.is_(1))             whoever says that it is ready leads
    implies(leader.is_(1), Same(lock_key, instance))   the leader's own id is in the lock
    agree(leader, leader_at_the_other_page)            both pages say the same

Two endpoints are never read at exactly one moment. It is violated only where both sides certainly stood, from the first
reading's answer to the last one's sending, for longer than `for_s` (what the target may take to show on the one side
what has changed on the other), and were looked at more than once meanwhile.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

from blackstart.base.codec import plain
from blackstart.model.expect import AGAINST_BASELINE, FRESH, SILENCES, Condition, Expectation, always, same_value
from blackstart.model.reading import Probe, Reading, Scalar

LAG_S = 0.1


def _says(condition: Condition, reading: Reading) -> Scalar:
    kind = condition.heard(reading).kind
    if condition.probe.name != reading.probe or (kind != "value" and condition.op not in SILENCES):
        return None
    return condition.matches(reading)


@plain("relation.same")
class Same:
    """Two probes read the same; numbers as numbers.

    A target may write one thing in two ways: only what was once seen to agree can disagree.
    """

    one: Probe
    other: Probe

    op: ClassVar[str] = "same"
    for_s: ClassVar[float] = 0.0
    needs_agreement: ClassVar[bool] = True

    @property
    def probes(self) -> tuple[Probe, ...]:
        return self.one, self.other

    def on(self, change: Callable[[Probe], Probe]) -> Self:
        return type(self)(change(self.one), change(self.other))

    def says(self, reading: Reading) -> tuple[Scalar, ...]:
        value = reading.value if reading.kind == "value" else None
        return tuple(value if probe.name == reading.probe else None for probe in self.probes)

    def applies(self, said: Sequence[Scalar]) -> bool | None:
        return True

    def holds(self, said: Sequence[Scalar]) -> bool:
        return same_value(said[0], said[1])

    def __str__(self) -> str:
        return f"{self.one.name} is the same as {self.other.name}"


@plain("relation.implies")
class Implies:
    """Whenever `given` is true, so is `then`."""

    given: Condition
    then: Condition | Same

    op: ClassVar[str] = "implies"
    for_s: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        for condition in (self.given, self.then):
            if condition.op in (*AGAINST_BASELINE, FRESH) or condition.for_s:
                raise ValueError(f"{condition}: what is related must be told by its reading alone")

    @property
    def needs_agreement(self) -> bool:
        return isinstance(self.then, Same)

    @property
    def probes(self) -> tuple[Probe, ...]:
        return *self.given.probes, *self.then.probes

    def on(self, change: Callable[[Probe], Probe]) -> Self:
        return type(self)(self.given.on(change), self.then.on(change))

    def says(self, reading: Reading) -> tuple[Scalar, ...]:
        then = self.then
        return _says(self.given, reading), *(then.says(reading) if isinstance(then, Same) else (_says(then, reading),))

    def applies(self, said: Sequence[Scalar]) -> bool | None:
        return None if said[0] is None else bool(said[0])

    def holds(self, said: Sequence[Scalar]) -> bool:
        return not said[0] or (self.then.holds(said[1:]) if isinstance(self.then, Same) else bool(said[1]))

    def __str__(self) -> str:
        return f"where {self.given}, {self.then}"


def implies(
    given: Condition, then: Condition | Same, *, for_s: float = LAG_S, name: str = "", **more: Any
) -> Expectation:
    """Whenever `given` is true, so is `then`, but for `for_s` seconds at most."""
    return always(Implies(given, then), name=name, for_s=for_s, **more)


def agree(one: Probe, other: Probe, *, for_s: float = LAG_S, name: str = "", **more: Any) -> Expectation:
    """Both probes read the same, but for `for_s` seconds at most."""
    return always(Same(one, other), name=name, for_s=for_s, **more)
