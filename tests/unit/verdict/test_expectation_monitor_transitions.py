"""Transitions as intervals, limits and what they count from, comparisons with the baseline, and when a wait is over."""

import pytest

from blackstart.model.expect import Expectation, always, eventually, never
from blackstart.model.reading import Reading
from blackstart.verdict.expectation_monitor import READ_GRACE_S, Monitor
from tests.unit.builders import TICK_S, followed, leader, message, reading, ready, series, status

# ---------------------------------------------------------------- transitions


def test_a_transition_is_an_interval_from_the_last_old_sending_to_the_first_new_answer() -> None:
    monitor = Monitor(eventually(ready.is_(503), within_s=5), "fault", 0.0, anchor_s=0.0)
    monitor.feed(reading(ready, 200, 1.00, took_s=0.05), TICK_S)
    monitor.feed(reading(ready, 503, 1.12, took_s=0.03), TICK_S)
    monitor.feed(reading(ready, 503, 1.20, took_s=0.03), TICK_S)
    assert monitor.interval is not None
    assert (monitor.interval.from_s, monitor.interval.to_s) == (pytest.approx(0.95), 1.12)


def test_a_state_that_was_there_from_the_first_reading_began_after_the_opening() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), (1.0, 503), (1.1, 503), opened_s=0.5)
    assert monitor.interval is not None
    assert (monitor.interval.from_s, monitor.interval.to_s) == (0.5, 1.0)


def test_a_flicker_before_the_transition_is_not_taken_for_it() -> None:
    monitor = followed(
        eventually(ready.is_(503), within_s=5), (0.9, 200), (1.0, 503), (1.1, 200), (1.2, 503), (1.3, 503)
    )
    assert monitor.interval is not None
    assert (monitor.interval.from_s, monitor.interval.to_s) == (1.1, 1.2)


def test_a_long_wait_does_not_keep_every_reading() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), *series(503, 0.1, 500.0))
    assert len(monitor._new) == 3


def test_a_reading_that_was_answered_before_the_opening_is_not_counted() -> None:
    monitor = followed(always(ready.is_(200)), (0.9, 503), (0.95, 503), *series(200, 1.0, 2.0), opened_s=1.0)
    assert status(monitor, 2.0) == "held"


# ---------------------------------------------------------------- limits count from the proven effect


def test_a_limit_counts_from_the_proven_effect_not_from_the_opening() -> None:
    made = eventually(ready.is_(503), within_s=5)
    readings = [*series(200, 0.1, 7), *series(503, 7, 8)]
    assert status(followed(made, *readings, anchor_s=3.0)) == "held"
    assert status(followed(made, *readings, anchor_s=0.0)) == "broke"


def test_a_limit_that_was_assumed_accuses_only_what_never_comes_true() -> None:
    made = eventually(ready.is_(503), within_s=2, assumed="lock_refresh_s was assumed: say your own under [facts]")
    late = followed(made, *series(200, 0.1, 7), *series(503, 7, 8))
    assert status(late) == "inconclusive"
    assert " after its limit of 2 s from the fault, but lock_refresh_s was assumed: say" in message(late)
    assert status(followed(made, *series(200, 0.1, 7))) == "broke"


def test_without_a_proven_effect_a_wait_that_was_not_over_is_inconclusive() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), *series(200, 0.1, 9), anchor_s=None)
    assert status(monitor) == "inconclusive"
    assert "not proved" in message(monitor)


def test_a_transition_after_the_limit_breaks() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), *series(200, 0.1, 5.5), *series(503, 5.5, 6))
    assert status(monitor) == "broke"
    assert "after its limit of 5 s from the fault" in message(monitor)


def test_a_transition_whose_interval_straddles_the_limit_is_inconclusive() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), (4.9, 200), (5.1, 503), (5.2, 503))
    assert status(monitor) == "inconclusive"
    assert "which side" in message(monitor)


def test_a_late_transition_after_a_gap_is_inconclusive() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), *series(200, 0.1, 2), (9.0, 503), (9.1, 503))
    assert status(monitor) == "inconclusive"


def test_a_transition_exactly_at_the_limit_holds() -> None:
    assert status(followed(eventually(ready.is_(503), within_s=5), (4.9, 200), (5.0, 503), (5.1, 503))) == "held"


def test_a_state_that_was_lost_again_breaks() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), *series(503, 1, 2), *series(200, 2, 3))
    assert monitor.lost_again
    assert status(monitor) == "broke"
    assert "lost again" in message(monitor)


def test_a_state_that_flickered_after_it_was_reached_holds() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), *series(503, 1, 2), (2.0, 200), *series(503, 2.1, 3))
    assert not monitor.lost_again
    assert status(monitor) == "held"


def test_a_state_that_came_back_after_it_was_lost_holds() -> None:
    seen = (*series(503, 1, 2), *series(200, 2, 3), *series(503, 3, 4))
    assert status(followed(eventually(ready.is_(503), within_s=5), *seen)) == "held"


def test_a_state_that_must_stay_and_was_lost_for_a_while_breaks_though_it_came_back() -> None:
    seen = (*series(503, 1, 2), *series(200, 2, 3), *series(503, 3, 4))
    monitor = followed(eventually(ready.is_(503), within_s=5, stays=True), *seen)
    assert (status(monitor), message(monitor)) == ("broke", "came true and was lost again: ready was 200")


def test_a_state_that_must_stay_may_flicker() -> None:
    seen = (*series(503, 1, 2), (2.0, 200), *series(503, 2.1, 3))
    assert status(followed(eventually(ready.is_(503), within_s=5, stays=True), *seen), 3.0) == "held"


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (series(503, 5, 5.3), "no reading in the last 14.8 s"),
        ([*series(503, 5, 6), *series(503, 15, 20)], "not seen for 9.10 s"),
        ([*series(503, 5, 6), *series("absent", 6, 15), *series(503, 15, 20)], "not seen for 9.10 s"),
    ],
)
@pytest.mark.parametrize("for_s", [0.0, 0.1])
def test_what_must_stay_and_was_not_looked_at_is_inconclusive(
    seen: list[tuple[float, object]], why: str, for_s: float
) -> None:
    monitor = followed(eventually(ready.is_(503), within_s=6, stays=True, for_s=for_s), *series(200, 0, 5), *seen)
    assert status(monitor) == "inconclusive" and why in message(monitor)
    assert status(followed(eventually(ready.is_(503), within_s=6), *series(200, 0, 5), *seen)) == "held"


def test_what_must_stay_is_looked_at_as_often_as_the_slower_of_two_ticks_says() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=6, stays=True), *series(503, 0, 10))
    for at_s, tick_s in ((10.0, 1.0), (13.0, 0.1), (13.1, 0.1)):
        monitor.feed(reading(ready, 503, at_s), tick_s)
    assert status(monitor, 13.2) == "held"


def test_what_must_stay_may_have_been_unseen_before_it_came_true() -> None:
    stays = eventually(ready.is_(503), within_s=6, stays=True)
    assert status(followed(stays, *series(200, 0, 1), *series("absent", 1, 5), *series(503, 5, 20))) == "held"
    assert status(followed(stays, *series(200, 0, 1), *series(503, 5, 20))) == "held"


@pytest.mark.parametrize("between", [[], series("absent", 12.1, 35)])
@pytest.mark.parametrize(("stays", "for_s"), [(True, 5.0), (True, 0.0), (False, 0.0)])
def test_what_was_lost_on_both_sides_of_a_gap_was_not_lost_for_all_of_it(
    between: list[tuple[float, object]], stays: bool, for_s: float
) -> None:
    seen = [*series(200, 0, 5), *series(503, 5, 12), (12.0, 200), *between, (35.0, 200)]
    made = eventually(ready.is_(503), within_s=6, stays=stays, for_s=for_s)
    assert status(followed(made, *seen), 35.05) == "inconclusive"
    back = followed(made, *seen, *series(503, 35.1, 60))
    assert status(back, 60.0) == ("inconclusive" if stays else "held")
    assert status(followed(made, *seen, *series(200, 35.1, 60)), 60.0) == "broke"


@pytest.mark.parametrize(("later", "verdict"), [([], "inconclusive"), (series(503, 25.1, 29), "held")])
def test_a_gap_is_no_part_of_what_must_last(later: list[tuple[float, object]], verdict: str) -> None:
    seen = (*series(200, 0, 5), (5.0, 503), (25.0, 503), *later)
    monitor = followed(eventually(ready.is_(503), within_s=30, for_s=3.0), *seen)
    assert status(monitor, 40.0) == verdict


def test_what_flickers_by_itself_is_neither_entered_nor_left_by_that() -> None:
    """A heartbeat that is as old as it may be, for one refresh of its gauge: before the state is entered, and in it."""
    seen = (*series(200, 0, 1), *series(503, 1, 2), *series(200, 2, 3), *series(503, 3, 5), *series(200, 5, 6))
    stays = eventually(ready.is_(503), within_s=5, stays=True, for_s=1.5)
    monitor = followed(stays, *seen, *series(503, 6, 8))
    assert status(monitor, 8.0) == "held" and monitor.interval is not None and 2.9 < monitor.interval.to_s < 3.2
    lost = followed(stays, *seen, *series(200, 6, 7), *series(503, 7, 8))
    assert (status(lost), message(lost)) == ("broke", "came true and was lost again: ready was 200")


@pytest.mark.parametrize("phase", ["fault", "recovery"])
@pytest.mark.parametrize(("otherwise", "lost"), [(200, "broke"), ("absent", "inconclusive")])
def test_what_must_stay_is_undecided_until_it_was_lost_for_long_enough(
    otherwise: object, lost: str, phase: str
) -> None:
    stays = eventually(ready.is_(503), within_s=5, stays=True, for_s=1.5)
    seen = series(503, 1, 8)
    for lost_s, wavering, came_to in ((0.1, True, "inconclusive"), (0.4, True, "inconclusive"), (2.0, False, lost)):
        monitor = followed(stays, *seen, *series(otherwise, 8, 8 + lost_s))
        monitor.phase = phase
        assert (monitor.wavering, monitor.lost_again) == (wavering, not wavering)
        assert status(monitor, 8 + lost_s) == came_to
    left = followed(stays, *seen, *series(200, 8, 10), *series(503, 10, 12), (12.0, otherwise))
    assert (left.wavering, status(left, 12.05)) == (False, "broke")


def test_only_what_is_awaited_for_longer_than_a_moment_can_stay() -> None:
    for when, more in (("always", {}), ("eventually", {"momentary": True})):
        with pytest.raises(ValueError, match="can stay"):
            Expectation(when, ready.is_(503), "x", within_s=5, stays=True, **more)  # type: ignore[arg-type]


def test_a_state_that_can_not_be_seen_any_more_is_inconclusive() -> None:
    monitor = followed(eventually(leader.is_(0), within_s=5), *series(0, 1, 2), *series("absent", 2, 4))
    assert (status(monitor), message(monitor)) == (
        "inconclusive",
        "came true, and then not observable: leader was absent",
    )


def test_a_state_that_was_lost_while_some_readings_were_absent_breaks() -> None:
    seen = (*series(0, 1, 2), *series("absent", 2, 3), *series(1, 3, 4), *series("absent", 4, 5))
    assert status(followed(eventually(leader.is_(0), within_s=5), *seen)) == "broke"


def test_a_wait_cut_short_before_its_deadline_is_inconclusive() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), *series(200, 0.1, 4.9))
    assert status(monitor, 4.9) == "inconclusive"
    assert "cut short" in message(monitor, 4.9)


def test_what_went_absent_after_its_deadline_still_broke() -> None:
    monitor = followed(eventually(leader.is_(0), within_s=5), *series(1, 0.1, 5.2), *series("absent", 5.2, 6))
    assert status(monitor, 6.0) == "broke"


def test_what_went_absent_before_its_deadline_and_stayed_so_is_inconclusive() -> None:
    monitor = followed(eventually(leader.is_(0), within_s=5), *series(1, 0.1, 2), *series("absent", 2, 6))
    assert status(monitor, 6.0) == "inconclusive"


def test_what_was_absent_at_first_and_then_came_true_holds() -> None:
    monitor = followed(eventually(leader.is_(0), within_s=5), *series("absent", 0.1, 2), *series(0, 2, 3))
    assert status(monitor) == "held"


# ---------------------------------------------------------------- compared with the baseline


@pytest.mark.parametrize(
    "made",
    [
        always(leader.not_fallen()),
        never(leader.risen()),
        eventually(leader.risen(), within_s=5),
        always(leader.as_before()),
    ],
)
def test_a_comparison_with_a_baseline_that_gave_nothing_is_inconclusive(made) -> None:
    monitor = followed(made, *series(5, 0.1, 7), reference=None)
    assert status(monitor, 7.0) == "inconclusive"
    assert "nothing to compare with" in message(monitor, 7.0)


def test_a_counter_that_fell_below_the_baseline_breaks() -> None:
    assert (
        status(followed(always(leader.not_fallen()), *series(9, 0.1, 2), *series(1, 2, 3), reference=9), 3) == "broke"
    )


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        ([*series(41, 0, 5), *series(1000, 5, 10), *series(42, 10, 20)], "broke"),
        ([(0.1, 900), (0.2, 1000), *series(42, 0.3, 20)], "broke"),
        ([*series(1000, 0, 5), *series("unreachable", 5, 5.1), *series(42, 5.1, 20)], "broke"),
        ([*series(41, 0, 5), (5.0, 1000), *series(42, 5.1, 20)], "held"),  # one odd reading
        ([*series(41, 0, 5), *series(1000, 5, 10), (10.0, 42), *series(1000, 10.1, 20)], "held"),
    ],
)
def test_a_counter_must_not_fall_below_what_it_was_since(seen: list[tuple[float, object]], verdict: str) -> None:
    assert status(followed(always(ready.not_fallen()), *seen, reference=40)) == verdict


def test_a_counter_that_rose_holds() -> None:
    assert (
        status(followed(eventually(leader.risen(), within_s=5), *series(9, 0.1, 2), *series(10, 2, 3), reference=9))
        == "held"
    )


def test_an_age_that_began_before_the_effect_is_not_fresh_and_breaks() -> None:
    made = eventually(leader.fresh(5.0), within_s=3)
    old = [(at_s, at_s + 0.5) for at_s, _ in series(0, 0.1, 4)]  # last beat half a second before the effect
    assert status(followed(made, *old)) == "broke"
    new = [*old[:10], (1.2, 0.1), (1.3, 0.2)]
    assert status(followed(made, *new)) == "held"


# ---------------------------------------------------------------- when the engine may stop waiting


def test_a_wait_goes_on_until_a_reading_was_sent_after_the_deadline() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), *series(200, 0.1, 5.0))
    assert not monitor.decided(5.05)
    monitor.feed(reading(ready, 200, 5.1), TICK_S)
    assert monitor.decided(5.1)


def test_a_reader_that_hangs_does_not_hold_the_run() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), *series(200, 0.1, 1.0))
    assert not monitor.decided(5.0 + READ_GRACE_S)
    assert monitor.decided(5.1 + READ_GRACE_S)


def test_a_first_wanted_reading_past_the_deadline_is_waited_for_to_be_sure() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), *series(200, 0.1, 5.0), (5.1, 503))
    assert not monitor.decided(5.1)


def test_two_readings_that_violate_decide_an_always() -> None:
    assert followed(always(ready.is_(200)), (0.1, 503), (0.2, 503)).decided(0.2)


def test_every_message_names_what_was_seen() -> None:
    seen = Reading("ready", "timed_out", 4.0, 6.0, None, "no answer within 2 s")
    monitor = Monitor(always(ready.is_(200)), "always", 0.0)
    monitor.feed(seen, TICK_S)
    monitor.feed(seen, TICK_S)
    found = monitor.finish(6.0)
    assert found.actual == "ready was timed out (no answer within 2 s)"
    assert found.message == "violated: ready was timed out (no answer within 2 s)"


def after_a_fault_cut_short(*seen: tuple[float, object]) -> Monitor:
    monitor = Monitor(eventually(ready.is_(200), within_s=5, stays=True), "recovery", 0.0, anchor_s=0.5)
    monitor.fault_was_cut_short = True
    for at_s, what in seen:
        monitor.feed(reading(ready, what, at_s), TICK_S)
    return monitor


def test_what_was_so_before_a_fault_cut_short_was_felt_is_no_recovery() -> None:
    monitor = after_a_fault_cut_short(*series(200, 0.1, 0.6), *series(503, 0.6, 1.2), *series(200, 1.2, 3))
    assert status(monitor, 3.0) == "held"
    assert monitor.interval is not None and monitor.interval.to_s == pytest.approx(1.2)


def test_what_is_lost_after_a_fault_cut_short_and_does_not_come_back_breaks() -> None:
    assert status(after_a_fault_cut_short(*series(200, 0.1, 0.6), *series(503, 0.6, 7))) == "broke"
    back = [*series(200, 0.1, 0.6), *series(503, 0.6, 1.2), *series(200, 1.2, 2), *series(503, 2, 3)]
    assert "lost again" in message(after_a_fault_cut_short(*back, *series(200, 3, 4)))


def drained(*seen: tuple[float, object]) -> Monitor:
    monitor = Monitor(eventually(ready.is_(0), within_s=5), "drain", 0.0, anchor_s=0.0)
    for at_s, what in seen:
        monitor.feed(reading(ready, what, at_s), TICK_S)
    return monitor


def test_a_queue_that_fills_again_after_the_load_is_waited_for_until_it_is_worked_off() -> None:
    filled = (*series(0, 0.1, 1), *series(4, 1, 2))
    assert not drained(*filled).decided(2.0)
    monitor = drained(*filled, *series(0, 2, 3))
    assert monitor.decided(3.0)
    assert status(monitor) == "held"
    assert monitor.interval is not None and monitor.interval.to_s == pytest.approx(2.0)


def test_a_queue_that_fills_again_and_is_never_worked_off_breaks() -> None:
    assert message(drained(*series(0, 0.1, 1), *series(4, 1, 7))).startswith("did not come true within 5 s")


@pytest.mark.parametrize(
    ("phase", "since"),
    [("baseline", "the start"), ("fault", "the fault"), ("recovery", "the undo"), ("drain", "the load's end")],
)
def test_each_time_is_told_with_what_it_counts_from(phase: str, since: str) -> None:
    made = eventually(ready.is_(503), within_s=5)
    monitor = followed(made, *series(200, 0.1, 2), *series(503, 2, 3))
    monitor.phase = phase
    assert message(monitor).endswith(f" s after {since}")
    missed = followed(made, *series(200, 0.1, 9))
    missed.phase = phase
    assert message(missed).startswith(f"did not come true within 5 s of {since}; last, ")
