"""From hand-written journals to verdicts: phases, their anchors, the baseline, and runs without a fault."""

from __future__ import annotations

from blackstart.base.errors import Interrupted
from blackstart.model.expect import Expectation, eventually
from tests.unit.builders import (
    BEFORE,
    DOWN,
    DURING,
    UP,
    Story,
    experiment,
    fault,
    finding,
    leader,
    ready,
    recovered,
    story,
    whole,
)

# ---------------------------------------------------------------- without a fault (a load is the fault)


def loaded(at_s: float, **parts) -> Story:
    """No change, readiness falls at `at_s`, and comes back at 9."""
    told = Story(experiment(faults=(), **parts))
    told.phase(0, "baseline").reads(0.1, 2, **UP).phase(2, "fault")
    told.reads(2.1, at_s, **UP).reads(at_s, 9, **DOWN).phase(9, "recovery").reads(9.1, 12, **UP)
    return told.phase(12, "end")


def test_without_a_change_limits_count_from_the_phases_begin() -> None:
    assert loaded(4.0, during=(DURING,)).judged().verdict == "held"


def test_without_a_change_a_late_transition_breaks() -> None:
    judged = loaded(8.0, during=(DURING,)).judged()
    assert judged.verdict == "broke"
    assert "after its limit of 5 s from the " in judged.reasons[0]


def test_without_a_change_a_recovery_that_does_not_come_breaks() -> None:
    told = Story(experiment(faults=(), recovery=(eventually(leader.is_(7), within_s=2, name="seven"),)))
    told.phase(0, "baseline").phase(2, "fault").reads(2.1, 5, **UP).phase(5, "recovery").reads(5.1, 9, **UP)
    assert told.phase(9, "end").judged().verdict == "broke"


# ---------------------------------------------------------------- baseline


def baseline(*readings: tuple[float, float, dict[str, object]], expectation: Expectation = BEFORE) -> str:
    told = story(baseline=(expectation,)).phase(0, "baseline")
    for from_s, to_s, seen in readings:
        told.reads(from_s, to_s, **seen)
    told.phase(2, "fault").did(2.0).read(2.1, **UP).reads(2.2, 5, **DOWN).phase(5, "recovery")
    return recovered(told).phase(9.1, "end").judged().verdict


def test_a_baseline_that_was_lost_before_the_fault_is_inconclusive() -> None:
    assert baseline((0.1, 1.5, UP), (1.5, 2.0, DOWN)) == "inconclusive"


def test_a_baseline_that_never_held_is_inconclusive_never_broke() -> None:
    assert baseline((0.1, 2.0, DOWN)) == "inconclusive"


def test_a_baseline_that_nobody_read_is_inconclusive() -> None:
    assert baseline() == "inconclusive"


def test_a_baseline_that_came_true_in_time_holds() -> None:
    assert baseline((0.1, 1.5, DOWN), (1.5, 2.0, UP)) == "held"


# ---------------------------------------------------------------- which reading belongs to which phase


def test_a_reading_under_way_when_the_undo_began_is_not_a_recovery() -> None:
    told = fault(story())
    told.read(5.0, took_s=0.5, **UP)  # answered as the phase began
    told.reads(5.1, 20, **DOWN).gone(20).phase(20, "end")
    assert finding(told.judged(), "after").status in ("broke", "inconclusive")


def test_an_undo_whose_phase_could_not_be_recorded_ends_the_fault_all_the_same() -> None:
    told = fault(story())
    told.events.pop()
    recovered(told.note(5.0, "undo", change="drill_1#0", what="stop redis")).phase(9.1, "end")
    assert told.judged().verdict == "held"


def test_readings_after_the_end_do_not_change_the_verdict() -> None:
    told = whole()
    held = told.judged()
    told.note(9.2, "abort", settled=True).reads(9.3, 12, **DOWN).note(12, "inconclusive", message="later")
    assert told.judged() == held


def test_a_limit_of_the_recovery_counts_from_the_proven_undo() -> None:
    told = fault(story(recovery=(eventually(ready.is_(200), within_s=2, name="after"),)))
    told.reads(5.1, 20, **DOWN).reads(20, 21.5, **(DOWN | {"redis": "up"})).reads(21.5, 23, **UP).gone(23)
    assert told.phase(23, "end").judged().verdict == "held"


def test_a_limit_of_the_recovery_that_passes_breaks() -> None:
    told = fault(story(recovery=(eventually(ready.is_(200), within_s=2, name="after"),)))
    told.reads(5.1, 6, **(DOWN | {"redis": "up"})).reads(6, 9, **(DOWN | {"redis": "up"})).reads(9, 10, **UP).gone(10)
    assert told.phase(10, "end").judged().verdict == "broke"


def test_an_always_covers_the_recovery_too() -> None:
    assert recovered(fault(story()), health="sick").phase(9.1, "end").judged().verdict == "broke"


def test_an_always_does_not_cover_the_baseline() -> None:
    told = story().phase(0, "baseline").reads(0.1, 2, **(UP | {"health": "sick"})).phase(2, "fault").did(2.0)
    told.read(2.1, **UP).reads(2.2, 5, **DOWN).phase(5, "recovery")
    assert recovered(told).phase(9.1, "end").judged().verdict == "held"


def test_what_ended_a_run_is_the_first_reason_and_has_its_name() -> None:
    why = str(Interrupted(15))
    told = story().phase(0, "baseline").reads(0.1, 2, **UP).phase(2, "fault").did(2.0)
    told.reads(2.1, 2.5, **DOWN).phase(2.5, "recovery").gone(3.0).note(3.1, "interrupted", message=why)
    judged = told.phase(3.2, "end").judged()
    assert judged.verdict == "inconclusive" and len(judged.reasons) > 1
    assert judged.reasons[0] == why == "interrupted by SIGTERM"


def test_what_the_run_did_not_get_to_names_windows_that_there_are() -> None:
    told = story().phase(0, "baseline").reads(0.1, 2, **UP).note(2, "interrupted", message="x").phase(2.1, "end")
    assert {f.name: f.message for f in told.judged().findings if f.phase != "baseline"} == {
        "during": "the run ended before the fault began",
        "after": "the run ended before the recovery began",
        "health": "the run ended before the fault began",
    }


# ---------------------------------------------------------------- what the load left behind

QUEUE = eventually(leader.is_(0), within_s=3, name="queue_drains")


def queued(drains_at_s: float, until_s: float) -> Story:
    told = recovered(fault(story(drained=(QUEUE,)))).phase(9.1, "drain")
    told.reads(9.1, 9.1 + drains_at_s, leader=5).reads(9.1 + drains_at_s, 9.1 + until_s, leader=0)
    return told.phase(9.1 + until_s, "end")


def test_a_queue_that_is_worked_off_once_the_load_has_ended_holds() -> None:
    found = finding(queued(1.0, 2.0).judged(), "queue_drains")
    assert (found.phase, found.status) == ("drain", "held")


def test_a_queue_that_is_not_worked_off_in_time_breaks() -> None:
    assert finding(queued(4.0, 5.0).judged(), "queue_drains").status == "broke"


def test_a_run_that_did_not_come_to_it_says_nothing_of_the_queue() -> None:
    found = finding(whole(drained=(QUEUE,)).judged(), "queue_drains")
    assert found.status == "inconclusive" and "before the drain began" in found.message
