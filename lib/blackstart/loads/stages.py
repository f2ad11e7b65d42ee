"""How fast an open loop sends: stages of constant or changing rate, and the exact times that they mean."""

import math
from collections.abc import Iterator, Sequence

from blackstart.base.codec import plain

_FASTEST_PER_S = 1_000_000
# A request that would be due this close to a stage's end belongs to what follows (rounding, not a request).
_EPSILON = 1e-9


@plain("load.stage")
class Stage:
    """`rate_per_s` requests a second for `duration_s`, changing evenly to `to_rate_per_s` where that is given.

    A `duration_s` of None goes on until the load is stopped; only the last stage may do so, and it must be constant.
    """

    rate_per_s: float
    duration_s: float | None = None
    to_rate_per_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("rate_per_s", "to_rate_per_s"):
            rate = getattr(self, name)
            if rate is not None and not 0 <= rate <= _FASTEST_PER_S:
                raise ValueError(f"{name} must be between 0 and {_FASTEST_PER_S}, not {rate}")
        if self.duration_s is None:
            if self.to_rate_per_s is not None:
                raise ValueError("a stage that changes its rate needs a duration_s")
            if not self.rate_per_s:
                raise ValueError("a stage of 0 requests a second needs a duration_s")
        elif not 0 < self.duration_s <= 7 * 86_400:
            raise ValueError(f"duration_s must be above 0 and at most a week, not {self.duration_s}")

    @property
    def says(self) -> str:
        """The stage in words."""
        to = f" to {self.to_rate_per_s:g}" if self.to_rate_per_s is not None else ""
        return f"{self.rate_per_s:g}{to} requests/s{f' for {self.duration_s:g} s' if self.duration_s else ''}"

    @property
    def last_rate_per_s(self) -> float:
        """The rate at the stage's end."""
        return self.rate_per_s if self.to_rate_per_s is None else self.to_rate_per_s


def constant(rate_per_s: float, duration_s: float | None = None) -> tuple[Stage, ...]:
    """One steady rate; without a duration, until stopped."""
    return (Stage(rate_per_s, duration_s),)


def ramp(from_per_s: float, to_per_s: float, duration_s: float) -> tuple[Stage, ...]:
    """A rate that changes evenly."""
    return (Stage(from_per_s, duration_s, to_per_s),)


def spike(base_per_s: float, peak_per_s: float, before_s: float, peak_s: float, after_s: float) -> tuple[Stage, ...]:
    """A steady rate with a sudden peak in it."""
    return (Stage(base_per_s, before_s), Stage(peak_per_s, peak_s), Stage(base_per_s, after_s))


def check_stages(stages: Sequence[Stage]) -> None:
    """Raise ValueError where the stages can't be played one after the other, or send nothing."""
    if not stages:
        raise ValueError("a load needs at least one stage")
    if any(stage.duration_s is None for stage in stages[:-1]):
        raise ValueError("only the last stage may go on until stopped")
    if planned(stages) == 0:
        raise ValueError("these stages send nothing at all")


def peak_per_s(stages: Sequence[Stage]) -> float:
    """The highest rate of all."""
    return max(max(stage.rate_per_s, stage.last_rate_per_s) for stage in stages)


def duration_s(stages: Sequence[Stage]) -> float | None:
    """How long they take together; None where the last one goes on until stopped."""
    lengths = [stage.duration_s for stage in stages]
    return None if None in lengths else sum(length for length in lengths if length is not None)


def planned(stages: Sequence[Stage]) -> int | None:
    """How many requests they mean; None where the last one goes on until stopped."""
    return None if stages[-1].duration_s is None else due_by(stages, math.inf)


def due_by(stages: Sequence[Stage], offset_s: float) -> int:
    """How many requests are due in the first `offset_s` seconds (exclusive)."""
    mass, begin_s = 0.0, 0.0
    for stage in stages:
        left_s = offset_s - begin_s
        if left_s <= 0:
            break
        length_s = left_s if stage.duration_s is None else min(left_s, stage.duration_s)
        mass += _mass(stage, length_s)
        begin_s += length_s
    return max(0, math.ceil(mass - _EPSILON * max(1.0, mass)))


def offsets_s(stages: Sequence[Stage]) -> Iterator[float]:
    """When each request is due, in seconds from the start: request k where the rate has added up to k."""
    begin_s, before, k = 0.0, 0.0, 0
    for stage in stages:
        if stage.duration_s is None:
            while True:
                yield begin_s + (k - before) / stage.rate_per_s
                k += 1
        end = before + _mass(stage, stage.duration_s)
        while k < end - _EPSILON * max(1.0, end):
            yield begin_s + _when(stage, stage.duration_s, max(0.0, k - before))
            k += 1
        begin_s, before = begin_s + stage.duration_s, end


def _mass(stage: Stage, length_s: float) -> float:
    """How many requests the stage's first `length_s` seconds add up to."""
    if stage.to_rate_per_s is None or stage.duration_s is None:
        return stage.rate_per_s * length_s
    slope = (stage.to_rate_per_s - stage.rate_per_s) / stage.duration_s
    return length_s * (stage.rate_per_s + slope * length_s / 2)


def _when(stage: Stage, duration_s: float, mass: float) -> float:
    """When the stage has added up to `mass`: the root of rate·t + slope·t²/2 = mass, in the form that stays exact."""
    slope = (stage.last_rate_per_s - stage.rate_per_s) / duration_s
    root = math.sqrt(max(0.0, stage.rate_per_s**2 + 2 * slope * mass))
    if not stage.rate_per_s + root:
        return 0.0
    return min(duration_s, 2 * mass / (stage.rate_per_s + root))
