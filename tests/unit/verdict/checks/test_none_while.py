"""No request is counted while the breaker is open."""

from __future__ import annotations

import pytest

from blackstart.evidence.history import Row
from blackstart.verdict.checks.none_while import none_while
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from tests.unit.builders import TICK_S, Story, experiment
from tests.unit.verdict.checks.rows import RUBBISH, history, row


def judged(
    *rows: Row,
    to_s: float = 14.0,
    detail: str = "counted",
    gap: bool = False,
    tick_s: float = TICK_S,
    unreadable: tuple[str, ...] = (),
    **more: bool,
) -> CheckResult:
    """The breaker is open from 10 on, as read ten times a second, perhaps not from 11 to 13."""
    told = Story(experiment()).phase(0, "baseline").reads(9.0, 10.0, tick_s, breaker_open=0.0)
    told.reads(10.0, 11.0 if gap else to_s, tick_s, breaker_open=1.0)
    if gap:
        told.reads(13.0, to_s, tick_s, breaker_open=1.0)
    told.reads(to_s, to_s + 1, tick_s, breaker_open=0.0)
    seen = Recorded(history(*rows, unreadable=unreadable), told.record())
    return none_while(seen, flag="breaker_open", value=1, detail=detail, **more)


def counted(from_s: float, to_s: float, every_s: float) -> list[Row]:
    """Requests that are counted, each within 5 ms."""
    times = [from_s + every_s * number for number in range(round((to_s - from_s) / every_s))]
    return [row(f"k{s:.2f}", at_s=s, start_s=s, end_s=s + 0.005, detail="counted") for s in times]


def test_requests_that_pass_by_redis_hold() -> None:
    assert judged(row("a", at_s=11.0, detail="bypassed"), row("b", at_s=15.0, detail="counted")).verdict == "held"


def test_what_was_not_answered_or_can_t_be_read_shows_nothing() -> None:
    refused = row("a", "fail", at_s=11.0, status=None, detail="connection refused")
    assert judged(row("a", "info", at_s=11.0), refused).verdict == "inconclusive"
    assert judged(row("a", at_s=11.0, detail="bypassed"), unreadable=(RUBBISH,)).verdict == "inconclusive"


def test_what_is_counted_all_the_time_while_it_is_open_breaks() -> None:
    result = judged(row("a", at_s=11.0, detail="bypassed"), *counted(11.01, 13.01, 0.2), tick_s=0.2)
    assert (result.verdict, len(result.offenders)) == ("broke", 10)
    slow = [one._replace(end_s=one.start_s + 0.5) for one in counted(11.01, 13.01, 0.1) if one.start_s]
    assert judged(*slow, tick_s=0.2).verdict == "broke"


def test_what_is_counted_between_two_readings_may_be_trials_of_a_breaker_that_opened_again() -> None:
    # Open, half open, open: the calls that it permits fall between two readings, and again a second later.
    for trials in (counted(12.05, 12.15, 0.02), [*counted(11.05, 11.15, 0.02), *counted(12.05, 12.15, 0.02)]):
        result = judged(*trials, tick_s=0.2)
        assert result.verdict == "inconclusive" and "may have been trials" in result.message
    across = [row("a", at_s=12.0, start_s=12.05, end_s=12.3, detail="counted") for _ in range(3)]
    assert judged(*across, tick_s=0.2).verdict == "inconclusive"


def test_one_that_is_counted_breaks_where_nothing_is_ever_tried() -> None:
    result = judged(row("a", at_s=11.0, detail="bypassed"), row("b", at_s=12.0, detail="counted"), trials=False)
    assert (result.verdict, result.offenders) == ("broke", ("b",))


@pytest.mark.parametrize("at_s", [9.5, 10.1, 13.85, 14.5])
def test_what_was_under_way_at_its_ends_says_nothing(at_s: float) -> None:
    assert judged(row("a", at_s=at_s, detail="counted")).verdict == "inconclusive"


def test_what_came_while_nobody_looked_says_nothing() -> None:
    assert judged(row("a", at_s=12.0, detail="counted"), gap=True, trials=False).verdict == "inconclusive"
    assert judged(row("a", at_s=12.0, detail="counted"), trials=False).verdict == "broke"


def test_without_the_targets_word_nothing_is_told() -> None:
    assert judged(row("a", at_s=12.0), detail="").verdict == "inconclusive"
