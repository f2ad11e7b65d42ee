"""What a specification claims of each answer, on histories written by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from blackstart.base.scheduling_lag import LagSample
from blackstart.evidence.events import EventName
from blackstart.evidence.history import Row
from blackstart.evidence.journal import Record
from blackstart.verdict.checks.claim_holds import claim_holds
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from blackstart.verdict.checks.same_result import same_result
from tests.unit.verdict.checks.rows import history, recorded, row

MADE = row("made")  # 201 after 99 ms
DOWN = row("down", "fail", status=503, detail="DOWN")
SILENT = row("silent", "info", end_s=12.0)  # waited for 2 s in vain


def judged(claim: Any, *rows: Row, undone: float | None = None, within_s: float | None = None) -> CheckResult:
    undo = () if undone is None else ({"event": EventName.UNDONE, "at": undone, "ok": True},)
    return claim_holds(Recorded(history(*rows), Record(undo)), claim=claim, text="as claimed", within_s=within_s)


ERROR, SUCCESS = ("is", "result", "error"), ("is", "result", "success")


@pytest.mark.parametrize(
    ("claim", "of_made", "of_down"),
    [
        (ERROR, "broke", "held"),
        (SUCCESS, "held", "broke"),
        (("!=", "result", "error"), "held", "broke"),
        (("in", "result", ("error", "success")), "held", "held"),
        (("==", "status", 201), "held", "broke"),
        (("in", "status", (500, 503)), "broke", "held"),
        (("<", "status", 503), "held", "broke"),
        (("<=", "status", 503), "held", "held"),
        ((">", "status", 201), "broke", "held"),
        ((">=", "status", 201), "held", "held"),
        (("==", "error.code", "DOWN"), "broke", "held"),
        (("!=", "error.code", "DOWN"), "held", "broke"),
        (("<", "latency", 0.5), "held", "held"),
        ((">", "latency", 0.5), "broke", "broke"),
        (("not", ERROR), "held", "broke"),
        (("and", ERROR, ("==", "status", 503)), "broke", "held"),
        (("and", SUCCESS, ("==", "status", 503)), "broke", "broke"),
        (("or", ERROR, ("==", "status", 201)), "held", "held"),
        (("implies", ERROR, ("==", "status", 503)), "held", "held"),
        (("implies", ERROR, ("==", "status", 500)), "held", "broke"),
    ],
)
def test_a_claim_is_true_or_false_of_an_answer(claim: Any, of_made: str, of_down: str) -> None:
    assert (judged(claim, MADE).verdict, judged(claim, DOWN).verdict) == (of_made, of_down)


def test_one_request_of_which_it_is_false_breaks_it_and_is_named() -> None:
    result = judged(SUCCESS, MADE, DOWN, SILENT)
    assert (result.verdict, result.offenders) == ("broke", ("down",))
    assert result.actual == "true of 1, false of 1, not known of 1 requests"


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        (ERROR, "inconclusive"),
        (SUCCESS, "inconclusive"),
        (("not", ERROR), "inconclusive"),
        (("==", "status", 201), "inconclusive"),
        (("!=", "error.code", "DOWN"), "inconclusive"),
        # Longer than it was waited for it would have been; how long, nobody knows.
        (("<", "latency", 1.0), "broke"),
        (("<", "latency", 5.0), "inconclusive"),
        ((">", "latency", 1.0), "inconclusive"),
        # One part may decide alone.
        (("and", ERROR, ("<", "latency", 1.0)), "broke"),
        (("or", ERROR, ("not", ("<", "latency", 1.0))), "held"),
        (("implies", ("<", "latency", 1.0), ERROR), "held"),
        (("implies", ERROR, ("<", "latency", 1.0)), "inconclusive"),
    ],
)
def test_without_an_answer_only_what_the_wait_tells_is_known(claim: Any, verdict: str) -> None:
    assert judged(claim, SILENT).verdict == verdict


def test_eventually_one_that_was_sent_and_answered_in_time_after_the_undo_is_enough() -> None:
    late = row("late", at_s=16.0)
    assert judged(SUCCESS, DOWN, MADE, undone=9.0, within_s=5.0).verdict == "held"
    # Before the undo, or after the time, it says nothing; where all that count are otherwise, it broke.
    assert judged(SUCCESS, MADE, undone=11.0, within_s=5.0).verdict == "inconclusive"
    assert judged(SUCCESS, DOWN, late, undone=9.0, within_s=5.0).verdict == "broke"
    # Before the time is over nobody knows: the system may have come back in the rest of it.
    soon = judged(SUCCESS, DOWN, row("soon", "fail", at_s=13.0), undone=9.0, within_s=5.0)
    assert (soon.verdict, soon.message) == ("inconclusive", "the last request was sent 1.0 s before the time was over")
    assert judged(SUCCESS, DOWN, SILENT, undone=9.0, within_s=5.0).verdict == "inconclusive"
    assert judged(SUCCESS, MADE, within_s=5.0).verdict == "inconclusive"


def during(claim: Any, *rows: Row) -> CheckResult:
    run = recorded(history(*rows), phases={"fault": (5.0, 30.0)}, in_force=(10.0, 20.0))
    return claim_holds(run, claim=claim, text="as claimed", phase="fault")


def test_during_a_fault_only_what_was_sent_and_had_ended_in_its_time_counts() -> None:
    down, before = row("down", "fail", at_s=15.0), row("before", at_s=9.0)
    back, astride = row("back", at_s=20.5), row("astride", at_s=19.95)
    # What is answered before the fault is there, or by a system that is back, is another matter.
    assert during(ERROR, before, down, astride, back).verdict == "held"
    assert during(ERROR, before, row("up", at_s=15.0), down).verdict == "broke"
    assert during(ERROR, before, astride, back).verdict == "inconclusive"


def test_what_hangs_until_the_undo_had_waited_so_long_and_no_answer() -> None:
    down, hung = row("down", "fail", at_s=15.0), row("hung", at_s=15.0, end_s=20.1)
    soon = ("<", "latency", 2.0)
    assert (during(soon, down, hung).verdict, during(soon, down, hung).offenders) == ("broke", ("hung",))
    assert during(ERROR, down, hung).verdict == "held"


def test_a_latency_that_nothing_could_have_reached_before_the_undo_is_not_held() -> None:
    late, soon = row("late", at_s=15.0), row("soon", at_s=13.5)
    for claim in (("<", "latency", 6.0), ("or", ERROR, ("<=", "latency", 6.0)), ("not", (">", "latency", 6.0))):
        told = during(claim, late)
        assert (told.verdict, "hold the fault for longer" in told.message) == ("inconclusive", True)
        assert during(claim, late, soon).verdict == "held"
    assert during((">", "latency", 0.05), late).verdict == "held"  # it was reached


def test_of_nothing_nothing_is_claimed() -> None:
    assert judged(SUCCESS).verdict == "inconclusive"
    for claim in (("xor", ERROR, SUCCESS), ("is", "colour", "red")):
        with pytest.raises(ValueError, match="is no"):
            judged(claim, MADE)


def test_who_was_unavailable_since_a_crowd_accuses_nobody_where_that_ended() -> None:
    """A breaker that the crowd has opened is open for longer than the crowd lasts."""
    crowd = (LagSample(10.0, 11.0, 0.05, 0.01, 0.1, 1.0, 6.0),)

    def settled(away: range, late: Sequence[LagSample] = crowd, status: int = 503) -> set[str]:
        rows = [row("k" if n % 2 else f"k{n}", at_s=10 + n / 10, detail="made") for n in range(100)]
        down = [one._replace(status=status, outcome="fail") if n in away else one for n, one in enumerate(rows)]
        found = recorded(history(*down), late=late)
        return {claim_holds(found, claim=SUCCESS, text="made").verdict, same_result(found, every=True).verdict}

    assert settled(range(8, 40)) == {"inconclusive"}
    assert settled(range(8, 40), ()) == {"broke"}  # of no crowd
    assert settled(range(8, 100)) == {"broke"}  # lasts
    assert settled(range(25, 50)) == {"broke"}  # began when the crowd had gone
    assert settled(range(8, 40), status=409) == {"broke"}  # a decision
