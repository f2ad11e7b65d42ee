"""Nothing passes for nothing: what was not seen, what could not have come, and what was still undecided at the end."""

from __future__ import annotations

import pytest

from blackstart.model.expect import Expectation, always, eventually, never
from blackstart.verdict.expectation_monitor import Monitor
from tests.unit.builders import (
    Cut,
    Story,
    change,
    experiment,
    followed,
    health,
    leader,
    message,
    reading,
    series,
    status,
)

KEPT = (always(health.is_("well")), never(health.is_("sick")))


# ---------------------------------------------------------------- the last reading


@pytest.mark.parametrize("made", KEPT)
def test_a_violation_in_the_last_reading_is_never_held(made: Expectation) -> None:
    monitor = followed(made, *series("well", 0.1, 7.0), (7.0, "sick"))
    assert status(monitor, 7.05) == "inconclusive" and "in its last reading" in message(monitor, 7.05)
    assert monitor.wavering


def test_a_last_probe_that_is_refused_is_a_finding() -> None:
    monitor = followed(always(health.is_("well")), *series("well", 0.1, 7.0), (7.0, "unreachable"))
    assert status(monitor, 7.05) == "inconclusive" and "unreachable" in message(monitor, 7.05)


@pytest.mark.parametrize("made", KEPT)
def test_the_next_reading_decides_it(made: Expectation) -> None:
    seen = [*series("well", 0.1, 7.0), (7.0, "sick")]
    flickered, broken = followed(made, *seen, (7.1, "well")), followed(made, *seen, (7.1, "sick"))
    assert (flickered.wavering, status(flickered, 7.2)) == (False, "held")
    assert (broken.wavering, status(broken, 7.2)) == (False, "broke")


def test_a_violation_that_must_last_is_undecided_until_it_has_lasted() -> None:
    made = always(leader.is_(1), for_s=1.0)
    assert status(followed(made, *series(1, 0.1, 7.0), *series(0, 7.0, 7.5)), 7.5) == "inconclusive"
    assert status(followed(made, *series(1, 0.1, 7.0), *series(0, 7.0, 8.2)), 8.2) == "broke"


def test_a_recovery_that_is_lost_with_the_last_reading_is_undecided() -> None:
    monitor = Monitor(eventually(health.is_("well"), within_s=5), "recovery", 0.0, anchor_s=0.0)
    for at_s, what in [*series("well", 0.1, 3.0), (3.0, "unreachable")]:
        monitor.feed(reading(health, what, at_s), 0.1)
    assert monitor.wavering and monitor.finish(3.05).status == "inconclusive"
    monitor.feed(reading(health, "unreachable", 3.1), 0.1)
    assert not monitor.wavering and monitor.finish(3.2).status == "broke"


# ---------------------------------------------------------------- nothing was read


@pytest.mark.parametrize("what", ["unreachable", "timed_out"])
def test_never_needs_values_that_were_read(what: str) -> None:
    monitor = followed(never(health.is_("sick")), *series(what, 0.1, 7.0))
    assert status(monitor, 7.0) == "inconclusive" and "0 of 69 readings gave a value" in message(monitor, 7.0)


def test_never_over_a_page_that_hangs_to_the_end_proves_nothing_of_the_end() -> None:
    monitor = followed(never(health.is_("sick")), *series("well", 0.1, 3.0), *series("timed_out", 3.0, 7.0))
    assert status(monitor, 7.0) == "inconclusive"


def test_never_over_a_page_that_was_away_for_a_while_holds() -> None:
    around = [*series("well", 0.1, 3.0), *series("unreachable", 3.0, 5.0), *series("well", 5.0, 7.0)]
    assert status(followed(never(health.is_("sick")), *around), 7.0) == "held"


@pytest.mark.parametrize(
    ("seen", "until_s", "tick_s"),
    [
        ([(0.1, "well")], 5.0, 0.1),
        ([(0.1, "well")], 20.0, 5.0),
        ([(0.1, "well"), (0.2, "sick"), (0.3, "absent")], 0.4, 0.1),
        ([*series("absent", 0.1, 4.9), (4.9, "well")], 5.0, 0.1),
    ],
)
def test_always_needs_two_readings_as_wanted(seen: list[tuple[float, str]], until_s: float, tick_s: float) -> None:
    made = always(health.as_before())
    assert status(followed(made, *seen, reference="well", tick_s=tick_s), until_s) == "inconclusive"
    twice = followed(made, *seen, (until_s, "well"), reference="well", tick_s=tick_s)
    assert status(twice, until_s) == "held"


def test_what_takes_longer_than_its_window_can_not_have_been_seen() -> None:
    monitor = followed(always(leader.below(80), for_s=60.0), *series(1, 0.1, 7.0))
    assert status(monitor, 7.0) == "inconclusive" and "looked at for 7.0 s" in message(monitor, 7.0)


def test_never_that_was_not_looked_at_for_most_of_its_time_proves_nothing() -> None:
    around = (*series("well", 0.1, 1.5), *series("timed_out", 1.6, 5.6), *series("well", 5.7, 7.0))
    found = followed(never(health.is_("sick")), *around).finish(7.0)
    assert found.status == "inconclusive" and "of 7.0 s no reading gave a value" in found.message


# ---------------------------------------------------------------- silence of what never spoke


def silent(when: str, before: str) -> str:
    made = {"eventually": eventually(leader.unreachable(), within_s=5), "always": always(leader.unreachable())}[when]
    parts = {"during": (made,)} if when == "eventually" else {"always": (made,)}
    told = Story(experiment(faults=(Cut(),), **parts), change())
    told.phase(0, "baseline").reads(0.1, 2, redis="up", leader=before).phase(2, "fault").did(2.0)
    told.reads(2.1, 5, redis="unreachable", leader="unreachable").phase(5, "recovery")
    return told.reads(5.1, 9, redis="up", leader="unreachable").gone(9.0).phase(9.1, "end").judged().verdict


@pytest.mark.parametrize("when", ["eventually", "always"])
def test_unreachable_can_only_come_true_of_what_answered_before(when: str) -> None:
    assert silent(when, "unreachable") == silent(when, "unreadable") == "inconclusive"
    assert silent(when, "up") == "held"


def test_what_must_never_be_is_held_for_its_values_alone() -> None:
    seen = [*series("timed_out", 0.1, 3.0), *series("well", 3.0, 7.0)]
    assert message(followed(KEPT[1], *seen), 7.0) == "in 40 values of 69 readings"
    assert message(followed(KEPT[1], *series("well", 0.1, 7.0)), 7.0) == "in all 69 readings"
