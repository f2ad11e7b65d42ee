"""A limit that the run could not reach was not kept: the check is inconclusive, and says by how much it was missed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from blackstart.base.codec import to_data
from blackstart.evidence.history import GIVEN_UP, Row
from blackstart.evidence.journal import Record
from blackstart.verdict.checks.latency_within import latency_within
from blackstart.verdict.checks.per_window import per_window
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from tests.unit.builders import change
from tests.unit.verdict.checks.rows import history, recorded, row


def held_for(seconds: float, *rows: Row, faulty: bool = True) -> Recorded:
    """A fault of so many seconds from 10 on, undone at its end."""
    evidence = recorded(history(*rows), phases={"fault": (10.0, 10.0 + seconds), "recovery": (10.0 + seconds, 60.0)})
    plan = ({"event": "plan", "changes": [to_data(change())]},) if faulty else ()
    return replace(evidence, record=Record((*plan, *evidence.record.events)))


def refused_in_time(evidence: Recorded, limit_ms: float) -> CheckResult:
    return latency_within(evidence, limits_ms={"max": limit_ms}, outcome="", phase="fault")


# Ten orders a second: each hangs until the database is back, and is answered then.
def hanging(seconds: float) -> list[Row]:
    return [
        row(f"k{number}", at_s=10.0 + number / 10, end_s=10.0 + seconds + 0.1) for number in range(round(seconds * 10))
    ]


def test_a_time_limit_that_outlasts_the_fault_is_not_kept_by_an_order_that_hung_all_the_time() -> None:
    result = refused_in_time(held_for(3.0, *hanging(3.0)), 30_500)
    assert result.verdict == "inconclusive"
    assert "0 of 30 requests were due 30500 ms before the undo, the first of them 27.5 s too late" in result.message


def test_a_fault_that_outlasts_the_limit_shows_what_hangs() -> None:
    assert refused_in_time(held_for(3.0, *hanging(3.0)), 1500).verdict == "broke"


def test_a_fault_that_outlasts_the_limit_shows_what_does_not_hang() -> None:
    quick = [row(f"k{number}", at_s=10.0 + number / 10) for number in range(30)]
    assert refused_in_time(held_for(3.0, *quick), 1500).verdict == "held"
    assert latency_within(held_for(3.0, *quick), limits_ms={"p99": 150.0}, phase="fault").verdict == "held"


def test_a_percentile_needs_as_many_requests_in_time_as_would_carry_it_over() -> None:
    # 2 of 30 that were due early enough could be over, and p50 would still be kept.
    quick = [row(f"k{number}", at_s=10.0 + number / 10) for number in range(30)]
    limits = {"p50": 2850.0}
    assert latency_within(held_for(3.0, *quick), limits_ms=limits, phase="fault").verdict == "inconclusive"


def test_without_a_fault_nothing_is_let_go_by_an_undo() -> None:
    quick = [row("a"), row("b")]
    assert refused_in_time(held_for(1.0, *quick, faulty=False), 2000).verdict == "held"
    assert latency_within(held_for(1.0, *quick), limits_ms={"max": 2000}).verdict == "held"


@pytest.mark.parametrize(("waits_s", "verdict"), [(1.0, "inconclusive"), (3.0, "broke")])
def test_a_load_that_gives_up_before_the_limit_does_not_know_what_it_would_have_waited(
    waits_s: float, verdict: str
) -> None:
    late = [
        row(f"k{number}", "info", at_s=10.0 + number, end_s=10.0 + number + waits_s, detail=f"{GIVEN_UP}{waits_s:g} s")
        for number in range(5)
    ]
    result = refused_in_time(held_for(8.0, *late), 2500)
    assert result.verdict == verdict
    if verdict == "inconclusive":
        assert "5 requests were given up by the load itself, 1500 ms before the limit" in result.message


def test_one_in_a_thousand_that_was_given_up_does_not_matter_to_the_median() -> None:
    late = row("late", "info", end_s=11.0, detail=f"{GIVEN_UP}1 s")
    quick = [row(f"k{number}") for number in range(20)]
    assert latency_within(recorded(history(late, *quick)), limits_ms={"p50": 2500}, outcome="").verdict == "held"


# ---------------------------------------------------------------- a rate limit


def asked(count: int, over_s: float, limited: int = 3) -> Recorded:
    """So many answers 200, evenly over a time, and a few refusals of somebody else's making."""
    let = [row(f"k{n}", status=200, at_s=10.0 + n * over_s / count) for n in range(count)]
    return recorded(history(*let, *(row(f"no{n}", "fail", status=429, at_s=10.5 + n / 100) for n in range(limited))))


def test_a_limit_far_above_what_was_sent_was_not_kept() -> None:
    result = per_window(asked(100, 1.0), status=200, most=10_000, window_s=1.0)
    assert result.verdict == "inconclusive"
    assert "at most 103 were sent in a window, and 10000 may be let through: 9898 too few to tell" in result.message


def test_a_load_that_exceeds_the_limit_in_a_window_shows_that_it_is_kept() -> None:
    assert per_window(asked(100, 1.0, limited=60), status=200, most=100, window_s=1.0).verdict == "held"


def test_many_requests_over_many_windows_do_not_exceed_the_limit_of_one() -> None:
    assert per_window(asked(1000, 100.0), status=200, most=50, window_s=1.0).verdict == "inconclusive"
