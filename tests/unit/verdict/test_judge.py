"""From hand-written journals to verdicts: precedence, and that nothing passes for nothing."""

from __future__ import annotations

import pytest

from blackstart.evidence import journal
from blackstart.model.expect import eventually, never
from blackstart.model.experiment import Check
from blackstart.model.finding import Finding
from blackstart.model.verdict import Verdict
from blackstart.verdict.judge import judge
from tests.unit.builders import (
    AFTER,
    DOWN,
    HEALTH,
    UP,
    Story,
    change,
    drill,
    fault,
    finding,
    leader,
    recovered,
    story,
    whole,
)

# ---------------------------------------------------------------- held


def test_a_run_in_which_everything_was_seen_held() -> None:
    judged = whole().judged()
    assert (judged.verdict, judged.reasons, judged.verdict.exit_code) == ("held", (), 0)
    assert {f.status for f in judged.findings} == {"held"}


def test_judging_again_says_the_same() -> None:
    told = whole()
    assert told.judged() == told.judged()


def test_limits_count_from_when_the_fault_bit() -> None:
    assert finding(whole().judged(), "during").message == "came true 0.000 s after the fault"


def test_exit_codes_are_those_of_the_design() -> None:
    assert {str(verdict): verdict.exit_code for verdict in Verdict} == {
        "held": 0, "broke": 20, "inconclusive": 30, "refused": 40, "not-restored": 50,
    }  # fmt: skip


# ---------------------------------------------------------------- precedence


def test_what_is_not_proved_undone_beats_everything() -> None:
    told = fault(story(), health="sick").reads(5.1, 8, **DOWN).gone(9.0, ok=False).phase(9.1, "end")
    judged = told.judged()
    assert (judged.verdict, judged.verdict.exit_code) == ("not-restored", 50)
    assert judged.reasons == ("stop redis: no proof that it was undone",)


def test_what_was_last_read_of_a_missing_proof_stands_in_the_reason() -> None:
    told = fault(story()).gone(9.0, ok=False, unproved=["redis_ping was LOADING", "redis_port was closed"])
    assert told.phase(9.1, "end").judged().reasons == (
        "stop redis: no proof that it was undone: redis_ping was LOADING; redis_port was closed",
    )


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


@pytest.mark.parametrize(("ok", "verdict"), [(None, "not-restored"), (False, "not-restored"), (True, "held")])
def test_what_was_made_for_a_load_must_be_gone(ok: bool | None, verdict: str) -> None:
    made = {"change": "drill_1#1", "what": "play k6 in 3 pods"}
    told = recovered(fault(story().note(0.1, "set up", **made)))
    if ok is not None:
        told.note(9.05, "gone", ok=ok, unproved=[], **made)
    judged = told.phase(9.1, "end").judged()
    assert judged.verdict == verdict
    assert judged.reasons == (() if ok else ("play k6 in 3 pods: no proof that it was undone",))


def test_a_fault_that_did_not_bite_is_inconclusive_even_where_something_broke() -> None:
    told = fault(story(), redis="up", health="sick")
    judged = recovered(told).phase(9.1, "end").judged()
    assert judged.verdict == "inconclusive"
    assert "not proved to bite" in judged.reasons[-1]


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
    assert (judged.verdict, judged.reasons, judged.verdict.exit_code) == ("refused", ("Not started: no",), 40)


def test_a_refusal_after_the_fault_is_not_called_refused() -> None:
    told = recovered(fault(story())).note(9.0, "refused", message="Not started: no secret").phase(9.1, "end")
    assert told.judged().verdict == "inconclusive"


# ---------------------------------------------------------------- never a pass for nothing


def test_an_experiment_that_expects_nothing_is_inconclusive() -> None:
    judged = whole(during=(), recovery=(), always=()).judged()
    assert judged.verdict == "inconclusive"
    assert "nothing that was expected has been seen: no criterion held" in judged.reasons


def test_a_run_that_saw_none_of_what_it_expected_is_inconclusive() -> None:
    only = eventually(leader.is_(0), name="x", criterion=False)
    told = Story(drill(during=(only,), recovery=(), always=()), change())
    assert recovered(fault(told, leader="absent")).phase(9.1, "end").judged().verdict == "inconclusive"


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        ("rate_reached", "inconclusive"),
        ("overlap", "inconclusive"),
        ("fault_observed", "inconclusive"),
        ("outcomes", "held"),
    ],
)
def test_what_says_only_what_our_load_did_can_not_hold_a_run_alone(check: str, verdict: str) -> None:
    told = Story(drill(during=(), recovery=(), always=(), checks=(Check(check, "x"),)), change())
    held = Finding("x", "check", Verdict.HELD, "500 a second", "", "")
    assert recovered(fault(told)).phase(9.1, "end").judged((held,)).verdict == verdict


def test_what_is_no_criterion_can_not_hold_a_run_alone() -> None:
    only = eventually(leader.is_(0), name="x", criterion=False)
    told = Story(drill(during=(only,), recovery=(), always=()), change())
    judged = recovered(fault(told, leader=0)).phase(9.1, "end").judged()
    assert {finding.status for finding in judged.findings} == {"held"}
    assert (judged.verdict, judged.reasons) == (
        "inconclusive",
        ("nothing that was expected has been seen: no criterion held",),
    )


def test_checks_alone_can_hold() -> None:
    told = whole(during=(), recovery=(), always=())
    seen = Finding("once", "check", "held", "15 of 15", "once", "once")
    assert told.judged((seen,)).verdict == "held"


def test_a_check_that_broke_breaks_the_run() -> None:
    judged = whole().judged((Finding("once", "check", "broke", "a doubled order", "once", "twice"),))
    assert judged.verdict == "broke"
    assert [f.name for f in judged.findings if f.status == "broke"] == ["once"]


def test_a_check_without_a_result_is_inconclusive() -> None:
    assert whole().judged((Finding("once", "check", "inconclusive", "no load", "once", "?"),)).verdict == "inconclusive"


def test_what_was_left_out_by_choice_is_no_criterion_and_is_told() -> None:
    left = whole(left_out={"orders": ("once", "in_time")})
    judged = left.judged((Finding("once", "check", "inconclusive", "no load", "once", "?"),))
    assert (judged.verdict, judged.reasons) == ("held", ())
    assert judged.left_out == ("once (--without orders)", "in_time (--without orders)")
    assert {f.message for f in judged.findings if f.left_out} == {"left out by choice (--without orders)"}


def test_all_left_out_is_nothing_seen() -> None:
    left = whole(during=(), recovery=(), always=(), left_out={"orders": ("once",)})
    assert left.judged((Finding("once", "check", "held", "1 of 1", "once", "1"),)).verdict == "inconclusive"


def unfelt(status: str) -> Finding:
    return Finding("felt", "check", Verdict(status), "0 of 9 requests changed", "felt", "0 of 9", premise=True)


@pytest.mark.parametrize("status", ["inconclusive", "broke"])
def test_without_its_premise_a_run_is_inconclusive_whatever_broke_or_held(status: str) -> None:
    broke = Finding("once", "check", "broke", "a doubled order", "once", "twice")
    for others in ((), (broke,)):
        judged = whole().judged((*others, unfelt(status)))
        assert (judged.verdict, judged.reasons) == ("inconclusive", ("felt: 0 of 9 requests changed",))


def test_a_premise_that_holds_leaves_the_verdict_to_the_rest() -> None:
    broke = Finding("once", "check", "broke", "a doubled order", "once", "twice")
    assert whole().judged((unfelt("held"),)).verdict == "held"
    assert whole().judged((broke, unfelt("held"))).verdict == "broke"


def test_a_premise_alone_is_nothing_that_was_expected() -> None:
    assert whole(during=(), recovery=(), always=()).judged((unfelt("held"),)).verdict == "inconclusive"


def test_what_is_not_proved_undone_beats_a_premise_that_does_not_hold() -> None:
    assert fault(story()).judged((unfelt("inconclusive"),)).verdict == "not-restored"


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
