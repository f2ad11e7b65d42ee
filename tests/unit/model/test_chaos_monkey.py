"""Single random failures as a schedule: the same for the same seed, and never two at once."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest

from blackstart.engine import scheduling
from blackstart.faults.expire_key import ExpireKey
from blackstart.faults.max_memory import MaxMemory
from blackstart.model.schedule import BETWEEN_S, At, chaos_monkey
from tests.unit.builders import change, experiment

FAULTS = (MaxMemory("redis"), ExpireKey("session"), MaxMemory("cache"))


def drawn(seed: int, probability: float = 0.5, **more: Any) -> tuple[At, ...]:
    return chaos_monkey(
        FAULTS, **{"seed": seed, "probability": probability, "rounds": 10, "every_s": 20, "hold_s": (3, 8), **more}
    )


EXPECTED = [(FAULTS[1], 41.2, 3.3), (FAULTS[0], 129.4, 4.5), (FAULTS[1], 143.6, 6.2)]


def test_a_seed_is_one_schedule_which_no_python_changes() -> None:
    assert drawn(7) == drawn(7) != drawn(8)
    assert [(at.fault, at.at_s, at.hold_s) for at in drawn(7, 0.2)] == EXPECTED
    assert drawn(7, 0.2)[0].name == "expire session in redis (seed 7, round 3)"


@pytest.mark.parametrize("seed", range(50))
def test_every_draw_is_a_schedule_that_can_be_kept(seed: int) -> None:
    made = drawn(seed, 1.0, every_s=12)
    planned = [(change("what"),)] * len(made)
    stretches = scheduling.stretches(experiment(faults=made, total_max_s=600.0), planned)
    assert [stretch.name for stretch in stretches] == [at.name for at in made]
    assert all(f"seed {seed}, round" in stretch.name for stretch in stretches)


@pytest.mark.parametrize("seed", range(50))
def test_failures_come_one_by_one_with_time_for_the_proof_between_them(seed: int) -> None:
    made = drawn(seed, 1.0)
    assert len(made) == 10 and len({at.name for at in made}) == 10
    for one, other in pairwise(made):
        assert other.at_s >= one.at_s + one.hold_s + BETWEEN_S
    assert all(3 <= at.hold_s <= 8 and at.fault in FAULTS for at in made)


def test_as_many_rounds_fail_as_the_probability_says_and_a_higher_one_only_adds() -> None:
    rounds = 4000
    few, more = drawn(1, 0.1, rounds=rounds), drawn(1, 0.4, rounds=rounds)
    assert abs(len(few) - 0.1 * rounds) < 4 * math.sqrt(rounds * 0.1 * 0.9)
    assert abs(len(more) - 0.4 * rounds) < 4 * math.sqrt(rounds * 0.4 * 0.6)
    assert set(few) < set(more)
    for fault in FAULTS:
        share = sum(at.fault == fault for at in more) / len(more)
        assert abs(share - 1 / 3) < 0.06


@pytest.mark.parametrize(
    "more",
    [{"probability": 0}, {"probability": 1.1}, {"probability": math.nan}, {"rounds": 0}, {"hold_s": (0, 8)},
     {"hold_s": (9, 8)}, {"every_s": 11.9}, {"every_s": math.nan}, {"probability": 1e-9}],
)  # fmt: skip
def test_what_could_not_be_kept_or_draws_nothing_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be|it wants|draws nothing"):
        drawn(7, **{"probability": 0.5, **more})


def test_no_faults_no_failures() -> None:
    with pytest.raises(ValueError, match="0 faults"):
        chaos_monkey((), seed=1, probability=0.5, rounds=3, every_s=20)
