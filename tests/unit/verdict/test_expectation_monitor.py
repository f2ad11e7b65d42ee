"""DESIGN's table "What a reading means", cell by cell, and the rules around it."""

from dataclasses import replace

import pytest

from blackstart.model.expect import Expectation, always, eventually, never
from blackstart.model.reading import Reading
from blackstart.probes.metrics import Metric
from blackstart.verdict.expectation_monitor import READ_GRACE_S, Monitor
from tests.unit.builders import TICK_S, followed, health, message, reading, ready, series, status

# ---------------------------------------------------------------- the table, row by row


@pytest.mark.parametrize(
    ("what", "when", "verdict"),
    [
        ("wanted", "eventually", "held"),
        ("wanted", "always", "held"),
        ("wanted", "never", "broke"),
        ("other", "eventually", "broke"),
        ("other", "always", "broke"),
        ("other", "never", "held"),
        ("unreachable", "eventually", "broke"),
        ("unreachable", "always", "broke"),
        ("unreachable", "never", "inconclusive"),
        ("timed_out", "eventually", "broke"),
        ("timed_out", "always", "broke"),
        ("timed_out", "never", "inconclusive"),
        ("malformed", "eventually", "broke"),
        ("malformed", "always", "broke"),
        ("malformed", "never", "inconclusive"),
        ("absent", "eventually", "inconclusive"),
        ("absent", "always", "inconclusive"),
        ("absent", "never", "inconclusive"),
        ("unreadable", "eventually", "inconclusive"),
        ("unreadable", "always", "inconclusive"),
        ("unreadable", "never", "inconclusive"),
    ],
)
def test_every_cell_of_the_table_is_as_designed(what: str, when: str, verdict: str) -> None:
    condition = health.is_("wanted")
    made = {
        "eventually": eventually(condition, within_s=5),
        "always": always(condition),
        "never": never(condition),
    }[when]
    monitor = followed(made, *series(what, 0.1, 7.0))
    assert status(monitor, 7.0) == verdict


@pytest.mark.parametrize(
    "made", [eventually(health.is_("x"), within_s=5), always(health.is_("x")), never(health.is_("x"))]
)
def test_no_reading_at_all_is_inconclusive(made) -> None:
    monitor = followed(made)
    assert status(monitor) == "inconclusive"
    assert "no reading of health at all" in message(monitor)


@pytest.mark.parametrize("made", [always(health.is_("x")), never(health.is_("y"))])
def test_a_gap_of_more_than_five_ticks_is_inconclusive(made) -> None:
    around = [*series("x", 0.1, 2.0), *series("x", 2.0 + 6 * TICK_S, 5.0)]
    assert status(followed(made, *around), 5.0) == "inconclusive"


@pytest.mark.parametrize("made", [always(health.is_("x")), never(health.is_("y"))])
def test_a_gap_of_five_ticks_still_holds(made) -> None:
    around = [*series("x", 0.1, 2.0), *series("x", 1.9 + 5 * TICK_S, 5.0)]
    assert status(followed(made, *around), 5.0) == "held"


def test_a_gap_before_the_first_reading_is_inconclusive() -> None:
    assert status(followed(always(health.is_("x")), *series("x", 3.0, 6.0)), 6.0) == "inconclusive"


def test_readings_that_stop_before_the_end_are_inconclusive() -> None:
    monitor = followed(always(health.is_("x")), *series("x", 0.1, 3.0))
    assert status(monitor, 3.0 + READ_GRACE_S + 6 * TICK_S) == "inconclusive"


def test_the_slower_of_two_ticks_says_what_a_gap_is() -> None:
    # 1 s between readings is the promise of a tick of 0.2 s, even when the next tick is 20 ms.
    monitor = Monitor(always(health.is_("x")), "always", 0.0)
    monitor.feed(reading(health, "x", 0.1), 0.2)
    monitor.feed(reading(health, "x", 1.05), 0.02)
    monitor.feed(reading(health, "x", 1.07), 0.02)
    assert monitor.finish(1.1).status == "held"


def test_a_hiccup_of_the_scheduler_at_a_fast_tick_is_no_gap() -> None:
    monitor = followed(always(health.is_("x")), (0.02, "x"), (0.5, "x"), (0.52, "x"), tick_s=0.02)
    assert status(monitor, 0.55) == "held"


def test_an_eventually_without_a_reading_at_its_deadline_is_inconclusive() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), *series(200, 0.1, 2.0))
    assert status(monitor) == "inconclusive"
    assert "no reading at its deadline" in message(monitor)


# ---------------------------------------------------------------- silence as a value of its own


def test_unreachable_can_be_expected_and_holds() -> None:
    monitor = followed(
        eventually(health.unreachable(), within_s=5), *series("x", 0.1, 1.0), *series("unreachable", 1, 2)
    )
    assert status(monitor) == "held"


def test_a_time_out_is_not_unreachable_and_breaks() -> None:
    assert status(followed(eventually(health.unreachable(), within_s=5), *series("timed_out", 0.1, 7))) == "broke"


@pytest.mark.parametrize("what", ["unreachable", "timed_out"])
def test_silent_means_either_and_holds(what: str) -> None:
    assert status(followed(eventually(health.silent(), within_s=5), *series(what, 0.1, 7))) == "held"


def test_never_unreachable_is_violated_by_a_refused_connection() -> None:
    assert status(followed(never(health.unreachable()), *series("unreachable", 0.1, 1))) == "broke"


@pytest.mark.parametrize("made", [health.timed_out(), health.silent()])
def test_silence_began_when_the_request_without_an_answer_was_sent(made) -> None:
    monitor = Monitor(eventually(made, within_s=5), "fault", 0.0, anchor_s=0.0)
    monitor.feed(reading(health, "x", 1.0), TICK_S)
    monitor.feed(reading(health, "timed_out", 3.1, took_s=2.0), TICK_S)
    monitor.feed(reading(health, "timed_out", 5.2, took_s=2.0), TICK_S)
    assert monitor.interval is not None
    assert monitor.interval.to_s == pytest.approx(1.1)


def test_a_refusal_counts_from_its_answer() -> None:
    monitor = Monitor(eventually(health.silent(), within_s=5), "fault", 0.0, anchor_s=0.0)
    for at_s in (3.1, 5.2):
        monitor.feed(reading(health, "unreachable", at_s, took_s=2.0), TICK_S)
    assert monitor.interval is not None
    assert monitor.interval.to_s == 3.1


# ---------------------------------------------------------------- two readings decide


def test_one_wanted_reading_is_flicker_and_breaks() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), *series(200, 0.1, 3), (3.0, 503), *series(200, 3.1, 7))
    assert status(monitor) == "broke"


def test_two_wanted_readings_in_a_row_decide_and_hold() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), *series(200, 0.1, 3), (3.0, 503), (3.1, 503))
    assert status(monitor) == "held"


def test_one_violation_is_flicker_and_holds_but_is_told() -> None:
    monitor = followed(always(ready.is_(200)), *series(200, 0.1, 3), (3.0, 503), *series(200, 3.1, 7))
    assert status(monitor, 7.0) == "held"
    assert "violated in 1 of" in message(monitor, 7.0)


def test_two_violations_in_a_row_break() -> None:
    monitor = followed(always(ready.is_(200)), *series(200, 0.1, 3), (3.0, 503), (3.1, 503), *series(200, 3.2, 7))
    assert status(monitor, 7.0) == "broke"


def test_every_other_answer_wrong_is_no_flicker_but_inconclusive() -> None:
    answers = [(at_s, 200 if number % 2 else 503) for number, (at_s, _) in enumerate(series(0, 0.1, 7))]
    monitor = followed(always(ready.is_(200)), *answers)
    assert status(monitor, 7.0) == "inconclusive"
    assert "too often" in message(monitor, 7.0)


def test_for_s_forgives_violations_that_are_shorter() -> None:
    made = always(ready.is_(200), for_s=1.0)
    assert status(followed(made, *series(200, 0.1, 3), *series(503, 3, 3.8), *series(200, 3.8, 7)), 7.0) == "held"
    assert status(followed(made, *series(200, 0.1, 3), *series(503, 3, 4.2), *series(200, 4.2, 7)), 7.0) == "broke"


def test_for_s_asks_an_eventually_to_last() -> None:
    made = eventually(ready.is_(503), within_s=5, for_s=1.0)
    assert status(followed(made, *series(200, 0.1, 2), *series(503, 2, 3.2))) == "held"
    assert status(followed(made, *series(200, 0.1, 2), *series(503, 2, 2.8), *series(200, 2.8, 7))) == "broke"


def test_for_s_that_the_end_cut_off_is_inconclusive() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5, for_s=3.0), *series(200, 0.1, 4.9), *series(503, 4.9, 6))
    assert status(monitor, 6.0) == "inconclusive"
    assert "not seen for long enough" in message(monitor, 6.0)


def test_a_single_wanted_reading_at_the_end_is_inconclusive() -> None:
    monitor = followed(eventually(ready.is_(503), within_s=5), *series(200, 0.1, 5.0), (5.0, 503))
    assert status(monitor, 5.1) == "inconclusive"


def test_a_gap_hides_nothing_from_a_comparison_with_the_baseline() -> None:
    probe = Metric("ticks", name="ticks")
    monitor = Monitor(always(probe.not_fallen(), name="no_crash"), "always", 100.0, reference=5)
    for at_s in (100.1, 100.2, 103.0, 103.1):
        monitor.feed(Reading("ticks", "value", at_s, at_s + 0.001, 6), 0.1)
    assert monitor.finish(103.2).status == "held"


def test_a_state_that_is_passed_through_may_have_been_missed_where_nothing_was_read_and_is_inconclusive() -> None:
    passed = eventually(ready.is_(503), within_s=5, momentary=True)
    seen_throughout = followed(passed, *series(200, 0.1, 6.0))
    assert status(seen_throughout) == "broke"
    missed = followed(passed, *series(200, 0.1, 2.0), *series(200, 3.0, 6.0))
    assert status(missed) == "inconclusive"
    assert "no reading for" in message(missed)


# ---------------------------------------------------------------- what we can't read says nothing of the target


@pytest.mark.parametrize("for_s", [0.0, 5.0])
@pytest.mark.parametrize(
    ("made", "reference"),
    [(always(ready.is_(200)), None), (never(ready.is_(0)), None), (always(ready.as_before()), 200)],
)
def test_two_violations_on_both_sides_of_a_gap_are_not_one_that_lasted(
    made: Expectation, reference: int | None, for_s: float
) -> None:
    seen = (*series(200, 0, 2), (2.0, 0), (18.0, 0), *series(200, 18.1, 20))
    monitor = followed(replace(made, for_s=for_s), *seen, reference=reference)
    assert (status(monitor), message(monitor)) == ("inconclusive", "no reading for 16.00 s")
    lasted = (*series(200, 0, 2), *series(0, 2, 8), *series(200, 18, 20))
    assert status(followed(replace(made, for_s=for_s), *lasted, reference=reference)) == "broke"


@pytest.mark.parametrize("value", ["12", None, "", "twelve"])
@pytest.mark.parametrize(
    "made",
    [
        always(ready.at_least(1)),
        always(ready.below(5)),
        always(ready.not_fallen()),
        never(ready.above(3)),
        eventually(ready.at_most(30), within_s=5),
        eventually(ready.risen(), within_s=5),
    ],
)
def test_what_is_no_number_is_neither_above_nor_below_one(made: Expectation, value: str | None) -> None:
    monitor = followed(made, *series(value, 0, 20), reference=2)
    assert status(monitor) == "inconclusive" and f"({str(value)!r} is no number)" in message(monitor)


def test_a_number_that_comes_after_a_null_decides() -> None:
    made = eventually(ready.at_least(3), within_s=8)
    assert status(followed(made, *series(None, 0, 5), *series(4, 5, 20))) == "held"
    assert status(followed(made, *series(None, 0, 5), *series(2, 5, 20))) == "broke"
    assert status(followed(always(ready.is_(None)), *series(None, 0, 20))) == "held"


@pytest.mark.parametrize(
    "made", [eventually(health.is_("x"), within_s=5), always(health.is_("x")), never(health.is_("y"))]
)
def test_one_answer_that_is_not_read_leaves_it_open_and_is_told(made) -> None:
    before = series("unreadable", 0.1, 2.0) if made.when == "eventually" else series("x", 0.1, 2.0)
    monitor = followed(made, *before, (2.0, "unreadable"))
    assert status(monitor, 2.1) == "inconclusive"
    assert "health was unreadable" in message(monitor, 2.1)


def test_a_violation_that_was_read_counts_whatever_could_not_be_read_besides() -> None:
    seen = [*series("x", 0.1, 1.0), *series("unreadable", 1.0, 2.0), *series("y", 2.0, 3.0), *series("x", 3.0, 4.0)]
    assert status(followed(always(health.is_("x")), *seen), 4.0) == "broke"
    assert status(followed(never(health.is_("y")), *seen), 4.0) == "broke"


def test_what_was_otherwise_and_then_not_read_until_the_deadline_is_not_a_miss() -> None:
    seen = [*series("y", 0.1, 2.0), *series("unreadable", 2.0, 7.0)]
    assert status(followed(eventually(health.is_("x"), within_s=5), *seen), 7.0) == "inconclusive"


@pytest.mark.parametrize(
    ("seen", "verdict"),
    [
        (("x", "absent", "x"), "held"),  # the leader's label while nobody leads
        (("x", "absent", "y"), "broke"),
        (("x", "absent"), "inconclusive"),
        (("x", "unreadable", "x"), "inconclusive"),
        (("x", "absent", "unreadable", "absent", "x"), "inconclusive"),
    ],
)
def test_what_is_compared_with_the_baseline_may_be_absent_for_a_while(seen: tuple[str, ...], verdict: str) -> None:
    told = [one for number, what in enumerate(seen) for one in series(what, 0.1 + number, 1.1 + number)]
    assert status(followed(always(health.as_before()), *told, reference="x"), 0.1 + len(seen)) == verdict
