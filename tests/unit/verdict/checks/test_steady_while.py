"""No order while paused: every counter that would show one must have been read."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from blackstart.verdict.checks.steady_while import steady_while
from tests.unit.builders import Story, experiment
from tests.unit.histories import history_of

COUNTERS = ("orders_placed", "newest_order")


def judged(*spans: tuple[float, float, dict[str, Any]]) -> CheckResult:
    """What the check says of a run in which these were seen at every tick, from one time to another."""
    told = Story(experiment()).phase(0, "baseline")
    for from_s, to_s, seen in spans:
        told.reads(from_s, to_s, **seen)
    return steady_while(Recorded(history_of(), told.record()), COUNTERS, "paused")


def trading(orders: Any, newest: Any) -> dict[str, Any]:
    return {"paused": False, "orders_placed": orders, "newest_order": newest}


def paused(orders: Any, newest: Any) -> dict[str, Any]:
    return {"paused": True, "orders_placed": orders, "newest_order": newest}


def test_both_steady_while_paused_holds() -> None:
    result = judged((0, 1, trading(3, 30)), (1, 3, paused(4, 31)), (3, 4, trading(9, 40)))
    assert result.verdict == "held"
    assert "readings of orders_placed" in result.actual and "readings of newest_order" in result.actual


@pytest.mark.parametrize(("orders", "newest"), [(5, 31), (4, 32)])
def test_either_of_them_rising_while_paused_breaks(orders: int, newest: int) -> None:
    assert judged((1, 2.5, paused(4, 31)), (2.5, 4, paused(orders, newest))).verdict == "broke"


def test_one_that_rises_breaks_even_where_the_other_was_not_seen() -> None:
    assert judged((1, 2.5, paused(4, "absent")), (2.5, 4, paused(5, "absent"))).verdict == "broke"


@pytest.mark.parametrize("blind", ["absent", "unreachable", "timed_out", "malformed"])
@pytest.mark.parametrize("which", COUNTERS)
def test_one_that_could_not_be_read_is_inconclusive(which: str, blind: str) -> None:
    seen = {**paused(4, 31), which: blind}
    result = judged((1, 3, seen))
    assert (result.verdict, result.message.startswith("not observable")) == ("inconclusive", True)
    assert f"{which} ({blind.replace('_', ' ')}" in result.message


def test_one_that_was_never_read_is_inconclusive() -> None:
    result = judged((1, 3, {"paused": True, "orders_placed": 4}))
    assert (result.verdict, "newest_order (never read)" in result.message) == ("inconclusive", True)


def test_one_that_was_read_only_once_while_paused_is_inconclusive() -> None:
    result = judged((0, 1, trading(3, 30)), (1, 2, {"paused": True, "orders_placed": 4}), (2, 2.1, paused(4, 31)))
    assert result.verdict == "inconclusive"


def test_without_a_pause_there_is_nothing_to_see() -> None:
    assert judged((0, 3, trading(3, 30))).verdict == "inconclusive"


def test_an_order_under_way_when_the_pause_came_is_forgiven() -> None:
    assert judged((1, 1.15, paused(4, 31)), (1.2, 3, paused(5, 32))).verdict == "held"


def test_one_order_that_straggles_is_forgiven_and_a_second_is_not() -> None:
    straggled = ((1, 1.5, paused(4, 31)), (1.5, 2.5, paused(5, 32)))
    assert judged(*straggled).verdict == "held"
    assert judged(*straggled, (2.5, 4, paused(6, 33))).verdict == "broke"
    assert judged((1, 1.5, paused(4, 31)), (1.5, 1.8, paused(5, 32)), (1.8, 4, paused(6, 33))).verdict == "broke"


def test_a_pause_that_ends_before_a_straggler_is_one_for_certain_says_nothing() -> None:
    assert judged((1, 1.5, paused(4, 31)), (1.5, 1.9, paused(5, 32))).verdict == "inconclusive"


def test_one_that_shows_no_number_is_inconclusive() -> None:
    result = judged((1, 2, paused("7 orders", 31)), (2, 3, paused("9 orders", 31)))
    assert (result.verdict, "orders_placed (was '9 orders', no number)" in result.message) == ("inconclusive", True)


def test_a_rise_that_was_seen_late_and_may_be_a_stragglers_accuses_nobody() -> None:
    silent = ((0, 1, trading(3, 30)), (1, 1.4, paused(3, 30)), (1.4, 3.4, paused(4, "timed_out")))
    result = judged(*silent, (3.4, 9, paused(4, 31)))
    assert (result.verdict, "rose from 30 to 31 while paused was True, 0.3" in result.message) == ("inconclusive", True)
    assert judged(*silent, (3.4, 5, paused(4, 31)), (5, 9, paused(4, 32))).verdict == "broke"
    assert judged(*silent, (3.4, 9, paused(4, 30))).verdict == "held"


@pytest.mark.parametrize("blind", ["absent", "unreachable", "timed_out", "malformed"])
def test_what_was_seen_in_the_first_moments_of_a_long_pause_does_not_hold_for_the_rest(blind: str) -> None:
    told = ((0, 1, trading(3, 30)), (1, 2, paused(3, 30)), (2, 31, paused(blind, blind)), (31, 33, trading(90, 120)))
    result = judged(*told)
    assert result.verdict == "inconclusive" and "paused was True for 29.6 s" in result.message
    assert "orders_placed for 0.6 s" in result.message


def test_a_counter_that_is_the_same_after_a_blind_part_of_the_pause_did_not_rise_in_it() -> None:
    blind = ((1, 2, paused(3, 30)), (2, 30, paused("timed_out", 30)))
    assert judged(*blind, (30, 31, paused(3, 30))).verdict == "held"
    assert judged(*blind, (30, 31, paused(4, 30))).verdict == "inconclusive"
    assert judged(*blind, (30, 30.5, paused(4, 30)), (30.5, 31, paused(5, 30))).verdict == "broke"
    later = ((1, 3, paused(3, 30)), (3, 30, paused("timed_out", 30)), (30, 31, paused(4, 30)))
    assert judged(*later).verdict == "broke"


def test_a_pause_before_a_counter_counts_for_the_first_time_is_none_in_which_it_was_lost_from_sight() -> None:
    started = (0, 20, paused("absent", 30)), (20, 21, trading(1, 31))
    assert judged(*started, (21, 25, paused(1, 31))).verdict == "held"
    assert judged(*started, (21, 22, paused(1, 31)), (22, 25, paused("absent", 31))).verdict == "inconclusive"


def test_a_counter_that_is_the_same_before_a_pause_and_at_its_end_did_not_rise_in_it() -> None:
    blind = ((0, 1, trading(3, 30)), (1, 20, paused(3, "unreachable")))
    assert judged(*blind, (20, 22, paused(3, 30))).verdict == "held"
    assert judged(*blind, (20, 22, paused(3, 31))).verdict == "inconclusive"


def test_a_pause_of_a_few_readings_is_seen_by_them() -> None:
    assert judged((0, 1, trading(3, 30)), (1, 1.6, paused(3, 30)), (1.6, 2, trading(4, 31))).verdict == "held"


def test_a_null_between_two_equal_numbers_is_no_rise() -> None:
    blank = ((1, 2.5, paused(100, 31)), (2.5, 3, paused(None, 31)))
    assert judged(*blank, (3, 4, paused(100, 31))).verdict == "held"
    assert judged(*blank, (3, 4, paused(101, 31))).verdict == "broke"
    assert judged((1, 2.5, paused(100, 31)), (2.5, 30, paused(None, 31))).verdict == "inconclusive"


def test_the_first_number_after_nothing_but_nulls_is_a_rise() -> None:
    assert judged((1, 2.5, paused(None, None)), (2.5, 4, paused(1, None))).verdict == "broke"
    assert judged((1, 4, paused(None, None))).verdict == "held"
