"""A backoff that grows: late time stretches gaps, and makes no attempts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from blackstart.base.scheduling_lag import LagSample
from blackstart.verdict.checks.gaps_grow import gaps_grow
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from blackstart.verdict.lateness import RUN, event_of
from tests.unit.builders import Story, change, experiment
from tests.unit.histories import history_of

CROWDED = LagSample(10.0, 25.0, 0.1, 0.05, runnable=12.0)


def judged(*rises_s: float, sample: LagSample | None = None, assumed: str = "") -> CheckResult:
    """Of a fault from 10 s to 25 s in which the counter rose at these times."""
    told = Story(experiment(), change()).phase(0.0, "baseline").read(9.9, failed=0).phase(10.0, "fault")
    for number in range(1, 150):
        at_s = 10.0 + number / 10
        told.read(at_s, failed=sum(rise_s <= at_s for rise_s in rises_s))
    told.phase(25.0, "recovery").phase(26.0, "end")
    if sample is not None:
        told.note(25.0, "lateness", who=RUN, **event_of(sample))
    return gaps_grow(Recorded(history_of(), told.record()), "failed", (1.0, 2.0, 4.0, 8.0), 0.0, 0.1, assumed)


@pytest.mark.parametrize(("sample", "verdict"), [(None, "broke"), (CROWDED, "inconclusive")])
def test_gaps_that_do_not_grow_may_have_been_stretched_by_late_time(sample: LagSample | None, verdict: str) -> None:
    assert judged(11.0, 14.0, 17.0, 20.0, sample=sample).verdict == verdict


def test_a_first_gap_that_others_on_the_machine_may_have_stretched_hides_growth() -> None:
    """It wanted 1 s, and others had the processor for up to a second of it; what they had of all gaps hides nothing."""
    shared = LagSample(10.0, 12.6, 0.01, 0.01, 0.1, 0.5, 3.0)
    rises_s = (10.5, 12.5, 14.7, 16.9)
    for sample in (None, replace(shared, runnable=1.5), replace(shared, to_s=25.0)):
        assert judged(*rises_s, sample=sample).verdict == "broke"
    told = judged(*rises_s, sample=shared)
    assert told.verdict == "inconclusive" and "in the first one" in told.message and "3.0 threads" in told.message


@pytest.mark.parametrize("sample", [None, CROWDED])
def test_more_attempts_than_the_backoff_allows_come_of_no_late_time(sample: LagSample | None) -> None:
    assert judged(*(10.5 + number for number in range(12)), sample=sample).verdict == "broke"


def test_gaps_that_grow_hold() -> None:
    assert judged(10.5, 11.5, 13.5, 17.5, sample=CROWDED).verdict == "held"


def test_a_slow_first_attempt_hides_no_growth() -> None:
    """The first attempt waited for a name that was going: its gap is long, and the pauses grow as declared."""
    assert judged(10.5, 13.7, 15.8, 19.9).verdict == "held"


def test_a_long_last_gap_is_no_growth_where_a_pause_was_shorter_than_declared() -> None:
    assert judged(10.5, 13.7, 14.7, 18.8).verdict == "inconclusive"


def test_a_backoff_that_was_assumed_breaks_nothing_and_says_so() -> None:
    """Attempts that come closer than assumed, and whose gaps are too short to tell whether they grow."""
    rises_s = (10.5, 10.6, 10.75, 10.9, 11.2, 11.5, 12.0, 12.5, 13.0)
    assert judged(*rises_s).verdict == "broke"
    told = judged(*rises_s, assumed="backoff_s of the original system were assumed")
    assert told.verdict != "broke"
    close = (10.5, 10.7, 10.9, 11.15)
    assert judged(*close).verdict == "broke"
    assert judged(*close, assumed="x").verdict == "inconclusive"


def test_gaps_that_do_not_grow_by_themselves_accuse_whatever_was_assumed() -> None:
    assert judged(11.0, 14.0, 17.0, 20.0, assumed="backoff_s was assumed").verdict == "broke"


def counted(seen: Callable[[float], Any]) -> CheckResult:
    """Of a fault from 10 s to 25 s, and of a counter that showed this at these times."""
    told = Story(experiment(), change()).phase(0.0, "baseline").read(9.9, failed=seen(9.9)).phase(10.0, "fault")
    for number in range(1, 150):
        told.read(10.0 + number / 10, failed=seen(10.0 + number / 10))
    told.phase(25.0, "recovery").phase(26.0, "end")
    return gaps_grow(Recorded(history_of(), told.record()), "failed", (1.0, 2.0, 4.0, 8.0), 0.0, 0.1)


@pytest.mark.parametrize("blank", ["absent", None, "40 or so", math.inf, "unreachable"])
def test_a_counter_that_shows_no_number_for_once_did_not_begin_anew(blank: Any) -> None:
    still = counted(lambda at_s: blank if 15.0 <= at_s < 15.2 else 40)
    assert (still.verdict, "only 0 failed attempts" in still.message) == ("inconclusive", True)
    rises_s = (10.5, 11.5, 13.5, 17.5)
    grows = counted(lambda at_s: blank if 15.0 <= at_s < 15.2 else 40 + sum(rise_s <= at_s for rise_s in rises_s))
    assert grows.verdict == "held"


@pytest.mark.parametrize("blank", ["absent", None])
def test_a_counter_that_is_not_there_before_it_counts_for_the_first_time_was_at_0(blank: Any) -> None:
    assert counted(lambda at_s: max(0, int(at_s - 10)) or blank).verdict == "broke"


def test_a_counter_that_falls_is_not_one_count() -> None:
    """Two instances behind one address, and one that was started anew."""
    for first, second in ((40, 3), (3, 40)):
        told = counted(lambda at_s, first=first, second=second: second if round(at_s * 10) % 7 == 0 else first)
        assert told.verdict == "inconclusive" and "failed fell from 40 to 3" in told.message
    assert counted(lambda at_s: int(at_s * 2) if at_s < 18 else int(at_s * 2) - 36).verdict == "inconclusive"
