"""A delay is the one that was asked for, or nothing that was seen under it counts: `p99` is read, and measured."""

import math
from random import Random
from statistics import NormalDist

import pytest

from blackstart.base.scheduling_lag import LagSample
from blackstart.evidence.history import Row
from blackstart.verdict.checks.delays_met import LEAST, delays_met
from blackstart.verdict.checks.result import CheckResult
from tests.unit.verdict.checks.rows import history, recorded, row

PHASES = {"baseline": (0.0, 10.0), "fault": (10.0, 40.0)}
P99 = {"p50": 316.0, "p90": 417.0, "p99": 500.0}
BEFORE = [row("", at_s=n / 10, start_s=n / 10, end_s=n / 10 + 0.005 + n % 10 / 1000) for n in range(50)]


def took(delays_ms: list[float]) -> list[Row]:
    return [row("", at_s=11.0, start_s=11.0, end_s=11.005 + delay / 1000) for delay in delays_ms]


def measured(delays_ms: list[float], asked: dict[str, float] = P99, late: tuple[LagSample, ...] = ()) -> CheckResult:
    run = recorded(history(*BEFORE, *took(delays_ms)), phases=PHASES, in_force=(10.5, 39.0), late=late)
    return delays_met(run, quantiles_ms=asked)


def drawn(middle: float, spread: float, n: int = 300, seed: int = 1) -> list[float]:
    dice = Random(seed)
    return [max(0.0, dice.gauss(middle, spread)) for _ in range(n)]


@pytest.mark.parametrize("seed", range(20))
def test_what_was_asked_for_is_met_whatever_the_dice(seed: int) -> None:
    assert measured(drawn(316, 79, seed=seed)).verdict == "held"


@pytest.mark.parametrize(
    "delays", [drawn(0, 1), drawn(150, 40), drawn(316, 5), drawn(500, 79), drawn(316, 200), [500.0] * 300]
)
def test_another_delay_is_not_taken_for_it(delays: list[float]) -> None:
    assert measured(delays).verdict == "inconclusive"


def test_exponential_and_uniform_are_told_from_normal() -> None:
    dice = Random(2)
    mean = 500 / math.log(100)
    exponential = [dice.expovariate(1 / mean) for _ in range(400)]
    asked = {"p50": mean * math.log(2), "p90": mean * math.log(10), "p99": 500.0}
    assert measured(exponential, asked).verdict == "held"
    assert measured(exponential).verdict == "inconclusive"
    assert math.isclose(NormalDist(316, 79).inv_cdf(0.99), 500, abs_tol=1)


def test_too_few_or_none_tell_nothing() -> None:
    assert measured(drawn(316, 79, LEAST - 1)).verdict == "inconclusive"
    assert measured([]).verdict == "inconclusive"
    assert delays_met(recorded(history(*BEFORE)), quantiles_ms=P99).verdict == "inconclusive"
