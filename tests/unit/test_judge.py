"""From hand-written journals to verdicts: precedence, phases, anchors, and that nothing passes for nothing."""

from __future__ import annotations

import pytest

from blackstart import journal
from blackstart.errors import Interrupted
from blackstart.expect import Expectation, eventually, never
from blackstart.finding import Finding
from blackstart.judge import EXITS, judge
from tests.unit.builders import (
    AFTER,
    BEFORE,
    DOWN,
    DURING,
    HEALTH,
    UP,
    Story,
    change,
    drill,
    experiment,
    fault,
    finding,
    leader,
    ready,
    recovered,
    story,
    whole,
)

# ---------------------------------------------------------------- held


def test_a_run_in_which_everything_was_seen_held() -> None:
    judged = whole().judged()
    assert (judged.verdict, judged.reasons, judged.exit_code) == ("held", (), 0)
    assert {f.status for f in judged.findings} == {"held"}


def test_judging_again_says_the_same() -> None:
    told = whole()
    assert told.judged() == told.judged()


def test_limits_count_from_when_the_fault_bit() -> None:
    assert finding(whole().judged(), "during").message == "came true after 0.000 s"


def test_exit_codes_are_those_of_the_design() -> None:
    assert EXITS == {"held": 0, "broke": 20, "inconclusive": 30, "refused": 40, "not-restored": 50}


# ---------------------------------------------------------------- precedence


def test_what_is_not_proved_undone_beats_everything() -> None:
    told = fault(story(), health="sick").reads(5.1, 8, **DOWN).gone(9.0, ok=False).phase(9.1, "end")
    judged = told.judged()
    assert (judged.verdict, judged.exit_code) == ("not-restored", 50)
    assert judged.reasons == ("stop redis: no proof that it was undone",)


def test_a_change_that_nobody_looked_at_again_is_not_restored() -> None:
    assert fault(story()).judged().verdict == "not-restored"


def test_an_undo_that_was_proved_after_all_holds() -> None:
    told = fault(story()).read(5.1, **DOWN).reads(5.2, 9, **UP).gone(8.0, ok=False).gone(9.0)
    assert told.phase(9.1, "end").judged().verdict == "held"


def test_a_change_made_again_after_its_undo_is_not_restored() -> None:
    assert recovered(fault(story())).did(9.05).phase(9.1, "end").judged().verdict == "not-restored"


def test_of_two_changes_one_not_undone_is_not_restored() -> None:
    told = Story(drill(), change("stop redis"), change("stop postgres"))
    told = recovered(fault(told.did(2.0, 1)))
    assert told.phase(9.1, "end").judged().verdict == "not-restored"
    assert told.gone(9.2, 1).phase(9.3, "end").judged().reasons == ("stop postgres: no proof that it was undone",)


def test_a_second_change_proved_undone_after_the_first_holds() -> None:
    told = Story(drill(), change("stop redis"), change("stop postgres"))
    assert recovered(fault(told.did(2.0, 1))).gone(9.05, 1).phase(9.1, "end").judged().verdict == "held"


def test_a_fault_that_did_not_bite_is_inconclusive_even_where_something_broke() -> None:
    told = fault(story(), redis="up", health="sick")
    judged = recovered(told).phase(9.1, "end").judged()
    assert judged.verdict == "inconclusive"
    assert "did not bite" in judged.reasons[-1]


def test_a_bite_seen_once_is_unproved_and_inconclusive() -> None:
    told = story().phase(0, "baseline").reads(0.1, 2, **UP).phase(2, "fault").did(2.0)
    told = told.reads(2.1, 3, **UP).read(3.0, **DOWN).reads(3.1, 5, **(DOWN | {"redis": "up"})).phase(5, "recovery")
    assert recovered(told).phase(9.1, "end").judged().verdict == "inconclusive"


def test_a_bite_that_shows_only_after_the_undo_began_is_inconclusive() -> None:
    told = fault(story(), redis="up").reads(5.1, 6, **DOWN)
    assert recovered(told).phase(9.1, "end").judged().verdict == "inconclusive"


def test_a_violation_beats_missing_data() -> None:
    told = recovered(fault(story(), health="sick")).note(9.0, "inconclusive", message="a disk was full")
    judged = told.phase(9.1, "end").judged()
    assert judged.verdict == "broke"
    assert judged.reasons == ("health: violated: health was sick",)


@pytest.mark.parametrize("event", ["inconclusive", "interrupted", "aborted"])
def test_what_ended_early_is_inconclusive(event: str) -> None:
    judged = recovered(fault(story())).note(9.0, event, message="why").phase(9.1, "end").judged()
    assert (judged.verdict, judged.reasons) == ("inconclusive", ("why",))


def test_missing_data_of_a_criterion_is_inconclusive() -> None:
    judged = whole(always=(HEALTH, never(leader.above(1), name="one_leader")), recovery=(AFTER,)).judged()
    assert judged.verdict == "held"
    told = recovered(fault(story(always=(HEALTH, never(leader.above(1), name="one"))), leader="absent"))
    assert told.phase(9.1, "end").judged().verdict == "inconclusive"


def test_missing_data_of_what_is_no_criterion_does_not_matter() -> None:
    extra = never(leader.above(1), name="one", criterion=False)
    told = recovered(fault(story(always=(HEALTH, extra)), leader="absent"))
    assert told.phase(9.1, "end").judged().verdict == "held"


def test_a_refused_run_is_refused() -> None:
    told = (
        story()
        .phase(0, "baseline")
        .reads(0.1, 2, **DOWN)
        .note(2, "refused", message="Not started: no")
        .phase(2.1, "end")
    )
    judged = told.judged()
    assert (judged.verdict, judged.reasons, judged.exit_code) == ("refused", ("Not started: no",), 40)


def test_a_refusal_after_the_fault_is_not_called_refused() -> None:
    told = recovered(fault(story())).note(9.0, "refused", message="Not started: no secret").phase(9.1, "end")
    assert told.judged().verdict == "inconclusive"


# ---------------------------------------------------------------- never a pass for nothing


def test_an_experiment_that_expects_nothing_is_inconclusive() -> None:
    judged = whole(during=(), recovery=(), always=()).judged()
    assert judged.verdict == "inconclusive"
    assert "nothing that was expected has been seen" in judged.reasons


def test_a_run_that_saw_none_of_what_it_expected_is_inconclusive() -> None:
    only = eventually(leader.is_(0), name="x", criterion=False)
    told = Story(drill(during=(only,), recovery=(), always=()), change())
    assert recovered(fault(told, leader="absent")).phase(9.1, "end").judged().verdict == "inconclusive"


def test_checks_alone_can_hold() -> None:
    told = whole(during=(), recovery=(), always=())
    seen = Finding("once", "check", "held", "15 of 15", "once", "once")
    assert told.judged((seen,)).verdict == "held"


def test_a_check_that_broke_breaks_the_run() -> None:
    judged = whole().judged((Finding("once", "check", "broke", "a doubled order", "once", "twice"),))
    assert judged.verdict == "broke"
    assert [f.name for f in judged.failed()] == ["once"]


def test_a_check_without_a_result_is_inconclusive() -> None:
    assert whole().judged((Finding("once", "check", "inconclusive", "no load", "once", "?"),)).verdict == "inconclusive"


def test_phases_that_were_never_reached_are_inconclusive() -> None:
    told = story().phase(0, "baseline").reads(0.1, 2, **UP).note(2, "interrupted", message="signal 2").phase(2.1, "end")
    judged = told.judged()
    assert judged.verdict == "inconclusive"
    assert {f.name: f.status for f in judged.findings} == {
        "before": "held", "during": "inconclusive", "after": "inconclusive", "health": "inconclusive",
    }  # fmt: skip


def test_a_run_without_an_end_is_inconclusive() -> None:
    judged = recovered(fault(story())).judged()
    assert judged.verdict == "inconclusive"
    assert "did not reach its end" in judged.reasons[-1]


def test_a_journal_that_does_not_say_what_was_run_is_inconclusive() -> None:
    assert judge(journal.Record(())).verdict == "inconclusive"


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
    assert "after its limit of 5 s" in judged.reasons[0]


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
