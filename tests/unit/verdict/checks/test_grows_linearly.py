"""Whether a reading grows with the requests, on readings and requests written by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from blackstart.verdict.checks.grows_linearly import grows_linearly
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from tests.unit.builders import Story, experiment
from tests.unit.histories import history_of
from tests.unit.verdict.checks.rows import row

REQUESTS = 1000


def judged(memory: Callable[[int], float], requests: int = REQUESTS, **more: object) -> CheckResult:
    """A hundred requests a second from 10 s on; `memory` says what was read when so many had been answered."""
    rows = [row(f"k{n}", at_s=10 + n / 100, end_s=10 + n / 100, **more) for n in range(requests)]
    told = Story(experiment()).phase(0, "baseline")
    for n in range(0, requests, 50):
        told.read(10.005 + n / 100, memory=memory(n))
    return grows_linearly(Recorded(history_of(rows), told.record()), "memory")


def test_what_grows_with_every_request_holds() -> None:
    result = judged(lambda n: 1e6 + 100 * n)
    assert (result.verdict, "R² 1.000" in result.actual) == ("held", True)


@pytest.mark.parametrize(
    "memory",
    [lambda n: 1e6, lambda n: 1e6 - 100 * n, lambda n: 1e6 + 100_000 * (n % 200 == 0)],
    ids=["not at all", "shrinks", "up and down"],
)
def test_what_does_not_grow_with_them_breaks(memory: Callable[[int], float]) -> None:
    assert judged(memory).verdict == "broke"


def test_what_reached_nothing_makes_nothing_grow() -> None:
    refused = judged(lambda n: 1e6, outcome="fail", status=None, detail="connection refused")
    assert refused.verdict == "inconclusive"
    assert judged(lambda n: 1e6, outcome="info").verdict == "inconclusive"


@pytest.mark.parametrize(("memory", "verdict"), [(100, "held"), (0, "broke")])
def test_with_a_detail_what_said_so_counts_whatever_came_of_it(memory: int, verdict: str) -> None:
    rows = [row(f"k{n}", "fail", at_s=10 + n / 100, end_s=10 + n / 100, detail="counted") for n in range(REQUESTS)]
    told = Story(experiment()).phase(0, "baseline")
    for n in range(0, REQUESTS, 50):
        told.read(10.005 + n / 100, memory=1e6 + memory * n)
    assert grows_linearly(Recorded(history_of(rows), told.record()), "memory", detail="counted").verdict == verdict


def test_too_few_requests_prove_nothing() -> None:
    assert judged(lambda n: 1e6 + 100 * n, requests=400).verdict == "inconclusive"


@pytest.mark.parametrize("word", ["nan", "inf"])
def test_what_is_no_number_proves_nothing(word: str) -> None:
    assert judged(lambda n: float(word)).verdict == "inconclusive"
    assert judged(lambda n: float(word) if n == 500 else 1e6 + 100 * n).verdict == "held"
