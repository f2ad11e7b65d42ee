"""A gap is filled only where there was one, and where what came after it could show it."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.verdict.checks.gap_filled import gap_filled
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from tests.unit.builders import Story, experiment
from tests.unit.histories import history_of


def judged(
    before: tuple[Any, Any, Any] = (3, 100, 100),
    during: tuple[Any, Any, Any] = (3, 101, 140),
    after: tuple[Any, Any, Any] = (3, 160, 160),
    later: dict[str, Any] | None = None,
    until_s: float = 13,
) -> CheckResult:
    """Missing, newest and sent: before, at the end of the fault and at the end; and what was seen even later."""
    told = Story(experiment()).phase(0, "baseline")
    names = ("missing", "newest", "sent")
    told.reads(0, 2, **dict(zip(names, before, strict=True)))
    told.phase(3, "fault").reads(3.1, 8, **dict(zip(names, during, strict=True)))
    told.phase(9, "recovery").reads(9.1, until_s, **dict(zip(names, after, strict=True)))
    told.reads(until_s, until_s + 2, **(later or {}))
    return gap_filled(Recorded(history_of(), told.record()), missing="missing", newest="newest", sent="sent")


def test_what_was_missed_and_fetched_holds_whatever_was_missing_before() -> None:
    result = judged()
    assert result.verdict == "held"
    assert "39 were not received" in result.actual


def test_what_stays_missing_breaks() -> None:
    result = judged(after=(41, 160, 160))
    assert result.verdict == "broke"
    assert "38 of them never came" in result.message


def test_a_source_that_sent_nothing_left_no_gap() -> None:
    assert judged(during=(3, 100, 100)).verdict == "inconclusive"


def test_a_stream_that_went_on_left_no_gap() -> None:
    result = judged(during=(3, 139, 140))
    assert result.verdict == "inconclusive" and "there was no gap to fill" in result.message


def test_as_long_as_nothing_came_after_it_a_gap_can_not_be_seen() -> None:
    result = judged(after=(3, 101, 160))
    assert result.verdict == "inconclusive" and "nothing came after the gap" in result.message


def test_what_could_not_be_read_is_named() -> None:
    result = judged(before=("absent", 100, 100))
    assert result.verdict == "inconclusive" and "missing could not be read" in result.message


@pytest.mark.parametrize("blind", ["absent", "timed_out", "unreadable"])
def test_what_was_missing_before_the_stream_was_back_says_nothing(blind: str) -> None:
    result = judged(after=(blind, 160, 160))
    assert result.verdict == "inconclusive" and f"last, missing was {blind.replace('_', ' ')}" in result.message


def test_what_is_still_missing_when_it_can_no_longer_be_read_may_be_fetched() -> None:
    gone = {"missing": "timed_out", "newest": 160, "sent": 160}
    result = judged(after=(41, 160, 160), later=gone)
    assert result.verdict == "inconclusive" and "38 that were still missing" in result.message
    assert judged(later=gone).verdict == "held"


def test_a_gap_takes_time_to_fill() -> None:
    short = judged(after=(41, 160, 160), until_s=9.4)
    assert short.verdict == "inconclusive" and "38 were still missing, and seen for only 0.2 s" in short.message
    falls = {"missing": 7, "newest": 160, "sent": 160}
    fewer = judged(after=(41, 160, 160), later=falls)
    assert fewer.verdict == "inconclusive" and "4 were still missing" in fewer.message
    assert judged(after=(41, 160, 160), until_s=9.4, later=falls | {"missing": 3}).verdict == "held"
