"""Two readings that must agree: accused is only what certainly stood at one time, for longer than may be."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.model.expect import Expectation, eventually, never
from blackstart.model.relations import Implies, Same, agree, implies
from blackstart.verdict.relation_monitor import RelationMonitor
from tests.unit.builders import Seen, Story, change, drill, finding, leader, reading, ready, recovered, story

lock, instance = Seen("lock"), Seen("instance")
LEADS = implies(ready.is_(200), leader.is_(1), name="ready_means_leader")
HAS_LOCK = implies(leader.is_(1), Same(lock, instance), for_s=2.0, name="leader_means_lock")
TICK_S = 0.02


def judged(
    made: Expectation, *told: tuple[float, str, Any], end_s: float = 20.0, took_s: float = 0.0
) -> RelationMonitor:
    """A monitor that heard these readings, as (time of the answer, probe, what was seen), in that order."""
    monitor = RelationMonitor(made, "always", 0.0)
    for at_s, probe, what in sorted(told, key=lambda one: one[0]):
        monitor.feed(reading(probe, what, at_s, took_s=took_s), TICK_S)
    return monitor


def stood(probe: str, what: Any, from_s: float, to_s: float, tick_s: float = TICK_S) -> list[tuple[float, str, Any]]:
    return [(from_s + number * tick_s, probe, what) for number in range(round((to_s - from_s) / tick_s) + 1)]


def both(*turns: tuple[float, float, Any, Any], tick_s: float = TICK_S) -> list[tuple[float, str, Any]]:
    """/ready and the leader gauge, read in turn."""
    told = []
    for from_s, to_s, is_ready, leads in turns:
        told += stood("ready", is_ready, from_s, to_s, tick_s)
        told += stood("leader", leads, from_s + tick_s / 2, to_s + tick_s / 2, tick_s)
    return told


def verdict(monitor: RelationMonitor, at_s: float | None = None) -> str:
    """What it came to at that time, or with the last reading."""
    return monitor.finish(at_s or (monitor.last.answered_s if monitor.last else 20.0)).status


WELL, AWAY = (0.0, 5.0, 200, 1), (5.02, 8.08, 503, 0)


def test_a_system_whose_readings_agree_holds() -> None:
    monitor = judged(LEADS, *both(WELL, AWAY, (8.1, 10.0, 200, 1)))
    assert verdict(monitor) == "held" and not monitor.wavering


@pytest.mark.parametrize("often", [1, 3])
def test_what_it_applies_to_must_be_seen_twice(often: int) -> None:
    """One reading that says that it is ready is flicker, however often the gauge is read meanwhile."""
    gauge = [(0.01 + number * TICK_S / often, "leader", 1) for number in range(250 * often)]
    once = [*stood("ready", 503, 0.0, 2.0), (2.02, "ready", 200), *stood("ready", 503, 2.04, 5.0), *gauge]
    assert verdict(judged(LEADS, *once)) == "inconclusive"
    assert "one reading" in judged(LEADS, *once).finish(5.0).message
    assert verdict(judged(LEADS, *once, (2.03, "ready", 200))) == "held"


@pytest.mark.parametrize(
    ("made", "leads"),
    [(implies(ready.at_least(200), leader.is_(1)), 0), (implies(leader.is_(1), ready.at_least(200)), 1)],
)
def test_a_side_that_is_no_number_says_nothing(made: Expectation, leads: int) -> None:
    found = judged(made, *both((0.0, 2.0, 200, 1), (2.02, 20.0, "200", leads))).finish(20.0)
    assert found.status == "inconclusive" and found.message.endswith("; ready was 200")


def test_ready_before_it_leads_is_broken() -> None:
    monitor = judged(LEADS, *both(WELL, AWAY, (8.1, 8.4, 200, 0), (8.42, 10.0, 200, 1)))
    found = monitor.finish(20.0)
    assert found.status == "broke"
    assert found.message.startswith("violated: ready was 200 while leader was 0, for 0.1")
    assert found.expected == "always where ready is 200, leader is 1"


def test_ready_after_it_no_longer_leads_is_broken() -> None:
    assert verdict(judged(LEADS, *both(WELL, (5.02, 5.4, 200, 0), (5.42, 8.0, 503, 0)))) == "broke"


@pytest.mark.parametrize("for_s", [0.02, 0.06, 0.1])
def test_what_one_page_may_lag_behind_the_other_is_no_violation(for_s: float) -> None:
    assert verdict(judged(LEADS, *both(WELL, AWAY, (8.1, 8.1 + for_s, 200, 0), (8.2, 10.0, 200, 1)))) == "held"


def test_the_longer_readings_are_apart_the_longer_it_must_stand() -> None:
    slow = 0.2
    assert verdict(judged(LEADS, *both(WELL, (8.1, 8.3, 200, 0), (8.5, 10.0, 200, 1), tick_s=slow))) == "held"
    assert verdict(judged(LEADS, *both(WELL, (8.1, 8.9, 200, 0), (9.1, 10.0, 200, 1), tick_s=slow))) == "broke"


def test_slow_answers_stand_only_from_their_answer_to_their_sending() -> None:
    # What was read over 0.3 s may be of its beginning as well as of its end.
    told = both(WELL, AWAY, (8.1, 8.4, 200, 0), (8.42, 10.0, 200, 1))
    assert verdict(judged(LEADS, *told, took_s=0.3)) == "held"


def test_slow_answers_leave_no_gap_between_them() -> None:
    monitor = RelationMonitor(LEADS, "always", 0.0)
    told = [reading("ready", 200, 0.7 * number, took_s=0.6) for number in range(1, 71)]
    told += [reading("leader", int(number < 20), 0.25 * number) for number in range(1, 196)]
    for one in sorted(told, key=lambda each: each.answered_s):
        monitor.feed(one, TICK_S)
    assert verdict(monitor, 50.0) == "broke"


def test_what_was_not_looked_at_for_a_while_is_not_taken_to_have_stood() -> None:
    # It led, stepped down, and led again, while nobody read /ready.
    told = [*stood("ready", 200, 0.0, 2.0), *stood("leader", 1, 0.01, 2.01)]
    told += [*stood("leader", 0, 2.1, 4.0), *stood("leader", 1, 4.02, 6.0), *stood("ready", 200, 4.1, 6.0)]
    assert verdict(judged(LEADS, *told)) == "held"


@pytest.mark.parametrize("what", ["absent", "unreachable", "timed_out", "malformed"])
def test_what_is_not_read_beside_it_says_nothing(what: str) -> None:
    monitor = judged(LEADS, *both((0.0, 5.0, 200, what)))
    assert verdict(monitor) == "inconclusive" and "never seen at one time" in monitor.finish(20.0).message


@pytest.mark.parametrize("what", ["absent", "unreachable", "timed_out", "malformed", "unreadable"])
def test_what_was_lost_from_sight_while_the_other_side_went_on_holds_nothing(what: str) -> None:
    monitor = judged(LEADS, *both((0.0, 0.5, 200, 1), (0.52, 9.0, 200, what), (9.02, 60.0, 200, 1)))
    found = monitor.finish(60.0)
    assert found.status == "inconclusive"
    assert found.message == f"for 8.5 s in a row it may have been violated unseen; leader was {what.replace('_', ' ')}"


def test_what_was_out_of_sight_for_a_moment_or_did_not_apply_holds() -> None:
    assert verdict(judged(LEADS, *both(WELL, (5.02, 8.0, 200, "timed_out"), (8.02, 12.0, 200, 1)))) == "held"
    assert verdict(judged(LEADS, *both(WELL, (5.02, 40.0, 503, "absent"), (40.02, 45.0, 200, 1)))) == "held"
    assert verdict(judged(LEADS, *both(WELL, (5.02, 40.0, "timed_out", 1), (40.02, 45.0, 200, 1)))) == "held"


def test_what_neither_side_told_for_most_of_the_time_holds_nothing() -> None:
    monitor = judged(LEADS, *both(WELL, (5.02, 16.0, "timed_out", "timed_out"), (16.02, 18.0, 200, 1)))
    assert verdict(monitor) == "inconclusive" and monitor.finish(18.0).message.startswith("for 11.0 of 18.0 s")
    monitor = judged(LEADS, *both(WELL, (5.02, 9.0, "timed_out", "timed_out"), (9.02, 18.0, 200, 1)))
    assert verdict(monitor) == "held"


def test_what_was_away_altogether_for_a_while_holds() -> None:
    """A process that a drill restarts answers nobody, and then starts with a page that says that it is not ready."""
    same = agree(ready, leader, name="pages_agree")
    away = ((0.0, 40.0, 200, 200), (40.02, 47.0, "unreachable", "unreachable"), (47.02, 100.0, 200, 200))
    assert verdict(judged(same, *both(*away))) == "held"
    refused = ((0.0, 60.0, 503, 0), (60.02, 62.5, "unreachable", "unreachable"), (62.52, 64.0, 200, 1))
    assert verdict(judged(LEADS, *both(*refused))) == "held"
    one_alone = ((0.0, 40.0, 200, 200), (40.02, 47.0, 200, "unreachable"), (47.02, 100.0, 200, 200))
    assert verdict(judged(same, *both(*one_alone))) == "inconclusive"


def test_what_nobody_read_holds_nothing() -> None:
    read = judged(LEADS, *both((0.0, 5.0, 200, 1)))
    assert (verdict(read, 9.0), verdict(read, 11.0)) == ("held", "inconclusive")
    assert read.finish(11.0).message == "no reading of ready in the last 6.0 s"
    monitor = judged(LEADS, *both(WELL, (11.0, 40.0, 200, 1)))
    assert verdict(monitor) == "inconclusive" and monitor.finish(40.0).message == "no reading for 6.00 s"


def often(ready_says: tuple[int, ...], leads: tuple[int, ...], ticks: int = 700) -> list[tuple[float, str, Any]]:
    """Both of them read so many times, each saying these in turn."""
    told = [*both((0.0, 4.98, 200, 1))]
    for number in range(ticks):
        told.append((5.0 + number * TICK_S, "ready", ready_says[number % len(ready_says)]))
        told.append((5.01 + number * TICK_S, "leader", leads[number % len(leads)]))
    return told


@pytest.mark.parametrize(("ready_says", "leads"), [((200,), (1, 0)), ((200,), (1, 1, 1, 0)), ((503, 200), (0,))])
def test_what_is_violated_for_a_moment_again_and_again_holds_nothing(
    ready_says: tuple[int, ...], leads: tuple[int, ...]
) -> None:
    monitor = judged(LEADS, *often(ready_says, leads))
    assert verdict(monitor) == "inconclusive"
    assert monitor.finish(19.0).message.endswith("never for long enough to count, but too often for a flicker")


@pytest.mark.parametrize(
    ("ready_says", "leads", "ticks"),
    [
        ((200,), (1, 0), 8),  # not often
        ((200,), (1,) * 19 + (0,), 700),  # not much of the time
        ((200,) * 20 + (503,) * 20, (1,) * 24 + (0,) * 16, 700),  # each time the other follows
    ],
)
def test_a_flicker_and_what_follows_late_hold(ready_says: tuple[int, ...], leads: tuple[int, ...], ticks: int) -> None:
    told = often(ready_says, leads, ticks)
    after_s = told[-1][0] + 0.02
    assert verdict(judged(LEADS, *told, *both((after_s, after_s + 1, 503, 0)))) == "held"


def test_what_may_take_seconds_to_follow_may_be_overtaken_often() -> None:
    slow = implies(ready.is_(200), leader.is_(1), for_s=2.0)
    assert verdict(judged(slow, *often((200,), (1, 0)), *both((19.02, 19.5, 200, 1)))) == "held"


def test_where_the_premise_never_came_nothing_was_seen() -> None:
    assert verdict(judged(LEADS, *both((0.0, 5.0, 503, 0)))) == "inconclusive"


def test_without_a_reading_nothing_was_seen() -> None:
    assert verdict(judged(LEADS)) == "inconclusive"


def test_what_disagrees_at_the_end_is_undecided() -> None:
    monitor = judged(LEADS, *both(WELL, (5.02, 5.1, 200, 0)))
    assert monitor.wavering and verdict(monitor, 5.2) == "inconclusive"


# ---------------------------------------------------------------- the same in two places


def holding(*turns: tuple[float, float, Any, Any, Any]) -> list[tuple[float, str, Any]]:
    told = []
    for from_s, to_s, leads, held, named in turns:
        told += stood("leader", leads, from_s, to_s)
        told += stood("lock", held, from_s + 0.005, to_s + 0.005) + stood("instance", named, from_s + 0.01, to_s + 0.01)
    return told


def test_a_leader_whose_lock_is_another_ones_is_broken_after_the_time_in_which_it_must_notice() -> None:
    assert (
        verdict(judged(HAS_LOCK, *holding((0, 2, 1, "a", "a"), (2.1, 3.9, 1, "b", "a"), (4, 6, 0, "b", "a")))) == "held"
    )
    assert verdict(judged(HAS_LOCK, *holding((0, 2, 1, "a", "a"), (2.1, 5.9, 1, "b", "a")))) == "broke"


def test_a_lag_that_is_longer_than_the_run_leaves_nothing_to_violate() -> None:
    monitor = judged(HAS_LOCK, *holding((0.0, 1.5, 1, "a", "a")))
    assert verdict(monitor, 1.6) == "inconclusive" and "looked at for 1.6 s" in monitor.finish(1.6).message


def test_a_lock_that_nobody_can_ask_for_says_nothing() -> None:
    blind = judged(HAS_LOCK, *holding((0, 2, 1, "a", "a"), (2.1, 9.9, 1, "unreachable", "a")))
    assert verdict(blind) == "inconclusive"
    assert blind.finish(9.9).message == "for 7.9 s in a row it may have been violated unseen; lock was unreachable"


def test_a_lock_that_nobody_can_ask_for_while_its_loss_is_noticed_accuses_nobody() -> None:
    told = holding((0, 3, 1, "a", "a"), (3.1, 5, 1, "unreachable", "a"), (5.1, 9, 0, "unreachable", "a"))
    assert verdict(judged(HAS_LOCK, *told)) == "held"


def test_a_lock_that_is_written_in_another_way_accuses_nobody() -> None:
    monitor = judged(HAS_LOCK, *holding((0, 9, 1, "host-1:a", "a")))
    assert verdict(monitor) == "inconclusive" and "never seen to agree" in monitor.finish(20.0).message


def test_agree_compares_numbers_as_numbers() -> None:
    same = agree(ready, leader)
    assert verdict(judged(same, *both((0.0, 3.0, 1, 1.0)))) == "held"
    assert verdict(judged(same, *both((0.0, 3.0, 1, 1.0), (3.1, 5.0, 1, 0)))) == "broke"


# ---------------------------------------------------------------- in a run


def run(early: bool) -> Story:
    told = story(always=(LEADS,)).phase(0, "baseline").reads(0.1, 2, ready=200, health="ok", redis="up", leader=1)
    told.phase(2, "fault").did(2.0).reads(2.2, 5, ready=503, health="ok", redis="unreachable", leader=0)
    told.phase(5, "recovery")
    if early:
        told.reads(5.1, 5.6, ready=200, health="ok", redis="up", leader=0)
    return recovered(told).phase(9.1, "end")


def test_the_judge_finds_it_in_the_recovery_too() -> None:
    assert finding(run(early=False).judged(), "ready_means_leader").status == "held"
    judged = run(early=True).judged()
    assert judged.verdict == "broke" and "ready was 200 while leader was 0" in judged.reasons[0]


def test_what_agreed_in_the_baseline_alone_can_disagree_afterwards() -> None:
    told = Story(drill(always=(agree(leader, lock, name="same"),)), change()).phase(0, "baseline")
    told.reads(0.1, 2, ready=200, redis="up", leader=1, lock=1).phase(2, "fault").did(2.0)
    told.reads(2.1, 5, ready=503, redis="unreachable", leader=1, lock=2).phase(5, "recovery")
    assert finding(recovered(told).phase(9.1, "end").judged(), "same").status == "broke"


# ---------------------------------------------------------------- as data


def test_they_are_data_like_every_condition() -> None:
    for made in (LEADS, HAS_LOCK):
        assert from_data(to_data(made)) == made
    moved = HAS_LOCK.condition.on(lambda probe: Seen(probe.name, "there"))
    assert [str(probe) for probe in moved.probes] == [str(Seen(n, "there")) for n in ("leader", "lock", "instance")]


def test_what_needs_the_baseline_or_another_time_is_no_part_of_a_relation() -> None:
    with pytest.raises(ValueError, match="by its reading alone"):
        Implies(ready.is_(200), leader.as_before())
    with pytest.raises(ValueError, match="holds always"):
        eventually(Same(ready, leader))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="holds always"):
        never(Same(ready, leader))  # type: ignore[arg-type]
