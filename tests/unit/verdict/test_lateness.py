"""What may have come of our own lateness accuses nobody; what can't have, does. Nothing is held for it."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.base.scheduling_lag import LagSample
from blackstart.evidence.journal import Record
from blackstart.model.expect import always, eventually, never
from blackstart.model.experiment import Check
from blackstart.model.finding import Finding
from blackstart.model.verdict import Verdict
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.verdict.judge import judge
from blackstart.verdict.lateness import LOAD, RUN, Lateness, event_of, sample_of
from tests.unit.builders import BEFORE, Story, change, experiment, finding, health, leader, ready
from tests.unit.histories import history_of
from tests.unit.verdict.checks.rows import row

READY = eventually(ready.is_(503), within_s=3, name="gives_up")
HEALTHY = always(health.is_("healthy"), name="stays_healthy")
ALONE = never(leader.above(1), name="one_leader")
RESTARTS = always(leader.as_before(), name="no_restart")


def story(*during: Any, constant: tuple[Any, ...] = ()) -> Story:
    """A run up to the proved bite at 1.1 s, with its expectations."""
    drill = experiment(baseline=(BEFORE,), during=during, always=constant)
    told = Story(drill, change()).phase(0.0, "baseline").reads(0.0, 1.0, ready=200, health="healthy", leader=1)
    told.phase(1.0, "fault").did(1.0)
    return told.read(1.1, redis="unreachable").read(1.2, redis="unreachable")


def ended(told: Story, at_s: float) -> Story:
    told.phase(at_s, "recovery").reads(at_s + 0.1, at_s + 0.4, redis="up")
    return told.gone(at_s + 0.5).phase(at_s + 0.5, "end")


def late(told: Story, from_s: float, to_s: float, late_s: float | None = None, who: str = RUN, **more: float) -> Story:
    """A stretch in which a process of ours was late; without a figure, it stood still."""
    sample = LagSample(
        from_s, to_s, to_s - from_s if late_s is None else late_s, to_s - from_s if late_s is None else 0.06
    )
    return told.note(to_s, "lateness", who=who, **{**event_of(sample), **more})


def test_a_beat_comes_back_from_the_journal() -> None:
    sample = LagSample(1.0, 2.0, 0.25, 0.06, 0.2, 0.9, 3.5)
    assert sample_of(event_of(sample)) == sample


def test_a_limit_missed_by_less_than_we_stood_still_is_inconclusive() -> None:
    told = late(story(READY), 2.0, 3.0).reads(3.0, 4.8, ready=200).reads(4.8, 6.0, ready=503)
    found = finding(ended(told, 6.0).judged(), "gives_up")
    assert found.status == "inconclusive"
    assert found.message.endswith("it was missed by 700 ms, and the run's process stood still for 1.00 s")


def test_a_limit_missed_by_more_than_we_stood_still_is_broken() -> None:
    told = late(story(READY), 2.0, 3.0).reads(3.0, 5.5, ready=200).reads(5.5, 6.0, ready=503)
    judged = ended(told, 6.0).judged()
    assert (judged.verdict, finding(judged, "gives_up").status) == ("broke", "broke")


def test_a_stall_after_what_came_too_late_changes_nothing() -> None:
    told = story(READY).reads(1.3, 4.8, ready=200).reads(4.8, 6.0, ready=503)
    assert finding(ended(late(told, 5.5, 6.5), 7.0).judged(), "gives_up").status == "broke"


def test_what_never_came_is_watched_for_as_long_as_we_were_late() -> None:
    for until_s, status in ((4.5, "inconclusive"), (5.6, "broke")):
        told = late(story(READY), 2.0, 3.0).reads(3.0, until_s, ready=200)
        assert finding(ended(told, until_s).judged(), "gives_up").status == status


def test_a_violation_within_a_stall_is_not_observed() -> None:
    told = story(constant=(HEALTHY,)).reads(1.3, 2.0, health="healthy")
    told.read(3.1, took_s=1.1, health="timed_out").read(3.2, health="timed_out")
    late(told, 2.1, 3.0).reads(3.3, 6.0, health="healthy")
    found = finding(ended(told, 6.0).judged(), "stays_healthy")
    assert found.status == "inconclusive"
    assert found.message.endswith("seen only while the run's process stood still for 900 ms")


def test_a_violation_outside_of_a_stall_is_one() -> None:
    told = late(story(constant=(HEALTHY,)).reads(1.3, 2.0, health="healthy"), 2.1, 3.0)
    told.reads(3.1, 4.3, health="timed_out").reads(4.3, 6.0, health="healthy")
    judged = ended(told, 6.0).judged()
    assert (judged.verdict, finding(judged, "stays_healthy").status) == ("broke", "broke")


def test_what_time_can_not_bring_about_is_a_violation_in_a_stall_too() -> None:
    told = story(constant=(ALONE, RESTARTS)).reads(1.3, 2.0, leader=1)
    late(told.reads(2.1, 2.9, leader=2), 2.05, 3.0).reads(3.1, 6.0, leader=1)
    judged = ended(told, 6.0).judged()
    assert {finding(judged, name).status for name in ("one_leader", "no_restart")} == {"broke"}


def test_a_restart_is_not_seen_in_a_reading_that_timed_out_for_our_reasons() -> None:
    told = story(constant=(RESTARTS,)).reads(1.3, 2.0, leader=1)
    told.read(2.9, took_s=0.8, leader="timed_out").read(3.1, took_s=0.2, leader="timed_out")
    late(told, 2.1, 3.0).reads(3.2, 6.0, leader=1)
    assert finding(ended(told, 6.0).judged(), "no_restart").status == "inconclusive"


def test_nothing_is_held_for_a_stall_and_the_gap_says_what_stood_still() -> None:
    told = late(story(constant=(HEALTHY,)).reads(1.3, 2.0, health="healthy"), 2.0, 3.0)
    judged = ended(told.reads(3.1, 6.0, health="healthy"), 6.0).judged()
    assert judged.verdict == "inconclusive"
    assert any("no reading for" in why and "the run's process stood still for 1.00 s" in why for why in judged.reasons)


def test_a_machine_that_starves_is_told_with_its_pressure() -> None:
    told = story(constant=(HEALTHY,)).reads(1.3, 2.0, health="healthy")
    told.read(2.9, took_s=0.8, health="timed_out").read(2.95, health="timed_out")
    late(told, 2.0, 3.0, 0.5, pressure=0.98).reads(3.1, 6.0, health="healthy")
    found = finding(ended(told, 6.0).judged(), "stays_healthy")
    assert (found.status, "late by 500 ms in 1.00 s" in found.message) == ("inconclusive", True)
    assert "CPU pressure of 98%" in found.message


def test_a_machine_with_much_to_do_excuses_nothing() -> None:
    told = story(constant=(HEALTHY,)).reads(1.3, 2.0, health="healthy")
    told.read(2.9, took_s=0.8, health="timed_out").read(2.95, health="timed_out")
    late(told, 2.0, 3.0, 0.1, pressure=1.0, runnable=3.0).reads(3.1, 6.0, health="healthy")
    assert finding(ended(told, 6.0).judged(), "stays_healthy").status == "broke"


def test_on_a_crowded_machine_no_time_limit_says_anything_and_every_answer_does() -> None:
    for seen, status in (("timed_out", "inconclusive"), ("sick", "broke")):
        told = story(constant=(HEALTHY,)).reads(1.3, 2.0, health="healthy")
        told.read(2.9, took_s=0.8, health=seen).read(2.95, health=seen)
        late(told, 2.0, 3.0, 0.05, runnable=10.0).reads(3.1, 6.0, health="healthy")
        found = finding(ended(told, 6.0).judged(), "stays_healthy")
        assert (found.status, "with 10.0 threads for each processor" in found.message) == (status, seen == "timed_out")


def test_a_stall_of_the_load_hides_nothing_that_the_run_saw() -> None:
    told = story(constant=(HEALTHY,)).reads(1.3, 2.0, health="healthy")
    late(told.reads(2.1, 2.6, health="sick"), 2.0, 5.0, who=LOAD).reads(5.1, 6.0, health="healthy")
    assert finding(ended(told, 6.0).judged(), "stays_healthy").status == "broke"


def test_two_processes_that_stood_still_together_are_late_once() -> None:
    stall = LagSample(2.0, 3.0, 1.0, 1.0)
    own = Lateness().heard(RUN, stall).heard(LOAD, stall).heard(RUN, LagSample(4.0, 5.0, 0.1, 0.1))
    assert own.late_s(0.0, 10.0) == 1.0
    assert own.late_s(2.5, 10.0) == 0.5
    assert (own.told(0.0, 1.0), own.told(6.0, 7.0)) == ("", "")


def test_a_journal_of_before_tells_of_no_lateness() -> None:
    assert not Lateness.of(Record(())).bad


def test_what_only_timed_out_on_a_crowded_machine_was_not_seen_to_miss_its_limit() -> None:
    for more, status in (({"runnable": 10.0}, "inconclusive"), ({"runnable": 3.0}, "broke")):
        told = late(story(READY), 1.3, 6.0, 0.05, **more)
        found = finding(ended(told.reads(1.3, 6.0, ready="timed_out"), 6.0).judged(), "gives_up")
        assert (found.status, "it timed out while" in found.message) == (status, status == "inconclusive")


def test_what_came_after_time_outs_of_a_crowded_machine_may_have_come_before() -> None:
    told = late(story(READY), 1.3, 6.0, 0.05, runnable=10.0).reads(1.3, 4.8, ready="timed_out")
    assert finding(ended(told.reads(4.8, 6.0, ready=503), 6.0).judged(), "gives_up").status == "inconclusive"


def test_what_came_late_by_less_than_a_crowd_slows_is_inconclusive() -> None:
    for crowded_s, status in ((4.5, "inconclusive"), (0.5, "broke")):
        told = late(story(READY), 1.3, 1.3 + crowded_s, 0.05, runnable=10.0).reads(1.3, 4.8, ready=200)
        found = finding(ended(told.reads(4.8, 6.0, ready=503), 6.0).judged(), "gives_up")
        assert (found.status, "it was missed by 700 ms" in found.message) == (status, status == "inconclusive")


def test_what_came_late_by_less_than_others_on_the_machine_may_slow_it_is_inconclusive() -> None:
    """A third of the time is left with three threads for each processor, and more where not always one waited."""
    for threads, pressure, status in ((3.0, 0.5, "inconclusive"), (3.0, 0.1, "broke"), (1.5, 0.5, "broke")):
        told = late(story(READY), 1.3, 4.8, 0.05, pressure=pressure, runnable=threads).reads(1.3, 4.8, ready=200)
        found = finding(ended(told.reads(4.8, 6.0, ready=503), 6.0).judged(), "gives_up")
        assert (found.status, "threads for each processor" in found.message) == (status, status == "inconclusive")
    told = late(story(READY), 1.3, 6.0, 0.05, pressure=0.9, runnable=4.0).reads(1.3, 6.0, ready=200)
    assert finding(ended(told, 6.0).judged(), "gives_up").status == "broke"


def test_what_is_lost_again_in_a_crowd_may_be_a_limit_of_time_that_the_crowd_made_pass() -> None:
    # As long as it is lost, the machine is crowded; then it comes back only when the crowd has gone, or not even then.
    for from_s, to_s, status in ((1.8, 6.0, "inconclusive"), (1.8, 2.8, "broke"), (3.5, 6.0, "broke")):
        told = late(story(READY), from_s, to_s, 0.05, runnable=10.0).reads(1.3, 2.5, ready=503)
        found = finding(ended(told.reads(2.5, 6.0, ready=200), 6.0).judged(), "gives_up")
        assert (found.status, "lost again while" in found.message) == (status, status == "inconclusive")


def test_the_last_outcome_of_a_load_that_ended_in_a_crowd_is_not_one_that_goes_on_after_it() -> None:
    answered = eventually(LoadOutcome().is_("ok"), within_s=3, name="answered")
    for load_ended_s, status in ((3.9, "inconclusive"), (5.9, "broke")):
        rows = [row(f"r{number}", at_s=1 + number / 10) for number in range(round((load_ended_s - 1) * 10))]
        told = late(story(answered), 1.8, 4.0, 0.05, runnable=10.0).reads(1.3, 2.5, load_outcome="ok")
        record = ended(told.reads(2.5, 6.0, load_outcome="info"), 6.0).record()
        assert finding(judge(record, history=history_of(rows)), "answered").status == status


def test_an_answer_at_the_limit_accuses_on_a_crowded_machine_too() -> None:
    told = late(story(READY), 1.3, 6.0, 0.05, runnable=10.0).reads(1.3, 4.8, ready=200)
    assert finding(ended(told.reads(4.8, 6.0, ready="timed_out"), 6.0).judged(), "gives_up").status == "broke"


def test_late_time_after_the_undo_excuses_no_check_of_the_fault() -> None:
    for from_s, status in ((3.0, "inconclusive"), (7.5, "broke")):
        taken = Check("taken_over", "standby_leads")
        told = Story(experiment(baseline=(BEFORE,), checks=(taken,)), change()).phase(0.0, "baseline")
        told.reads(0.0, 1.0, ready=200).phase(1.0, "fault").did(1.0).read(1.1, redis="unreachable")
        told.read(1.2, redis="unreachable").phase(6.0, "recovery").reads(6.1, 6.4, redis="up").gone(6.5)
        late(told, from_s, from_s + 1).phase(9.0, "end")
        broke = Finding("standby_leads", "check", Verdict.BROKE, "nobody led", "", "")
        assert finding(told.judged((broke,)), "standby_leads").status == status


def test_a_request_is_excused_by_the_process_that_was_late_for_most_of_its_time() -> None:
    own, lost = Lateness(), row("k", "info", start_s=10.0, end_s=20.0, status=None)
    for who in (RUN, LOAD):
        own = own.heard(who, LagSample(12.0, 15.0, 1.5, 0.1))
    assert not own.excuses(lost)
    assert own.heard(LOAD, LagSample(15.0, 18.0, 1.5, 0.1)).excuses(lost)


def test_few_threads_make_no_latency_count_for_more_or_less() -> None:
    starved = LagSample(2.0, 3.0, 0.3, 0.1, runnable=0.5)
    own = Lateness().heard(RUN, starved)
    assert own.crowded_s(2.0, 3.0) == 0.0
    crowded = own.heard(RUN, LagSample(2.0, 3.0, 0.01, 0.01, runnable=6.0))
    assert crowded.crowded_s(2.0, 3.0) == pytest.approx(5 / 6)
    assert crowded.crowded_s(2.5, 9.0) == pytest.approx(5 / 12)  # the rest of a long wait counts in full


def test_what_nobody_measured_is_not_0() -> None:
    assert set(Lateness().summary().values()) == {None}
