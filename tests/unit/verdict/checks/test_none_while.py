"""No request is counted while the breaker is open."""

from __future__ import annotations

import pytest

from blackstart.evidence.history import Row
from blackstart.verdict.checks.none_while import none_while
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from tests.unit.builders import Story, experiment
from tests.unit.verdict.checks.rows import history, row


def judged(*rows: Row, to_s: float = 14.0, detail: str = "counted", gap: bool = False) -> CheckResult:
    """The breaker is open from 10 on, as read ten times a second, perhaps not from 11 to 13."""
    told = Story(experiment()).phase(0, "baseline").reads(9.0, 10.0, breaker_open=0.0)
    told.reads(10.0, 11.0 if gap else to_s, breaker_open=1.0)
    if gap:
        told.reads(13.0, to_s, breaker_open=1.0)
    told.reads(to_s, to_s + 1, breaker_open=0.0)
    return none_while(Recorded(history(*rows), told.record()), flag="breaker_open", value=1, detail=detail)


def test_requests_that_pass_by_redis_hold() -> None:
    assert judged(row("a", at_s=11.0, detail="bypassed"), row("b", at_s=15.0, detail="counted")).verdict == "held"


def test_one_that_is_counted_while_it_is_open_breaks() -> None:
    result = judged(row("a", at_s=11.0, detail="bypassed"), row("b", at_s=12.0, detail="counted"))
    assert (result.verdict, result.offenders) == ("broke", ("b",))


@pytest.mark.parametrize("at_s", [9.5, 10.1, 13.85, 14.5])
def test_what_was_under_way_at_its_ends_says_nothing(at_s: float) -> None:
    assert judged(row("a", at_s=at_s, detail="counted")).verdict == "inconclusive"


def test_what_came_while_nobody_looked_says_nothing() -> None:
    assert judged(row("a", at_s=12.0, detail="counted"), gap=True).verdict == "inconclusive"
    assert judged(row("a", at_s=12.0, detail="counted")).verdict == "broke"


def test_without_the_targets_word_nothing_is_told() -> None:
    assert judged(row("a", at_s=12.0), detail="").verdict == "inconclusive"
