"""A fault that somebody else had mended before its undo proves nothing of what came after."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.model.experiment import Check
from blackstart.verdict.from_folder import check_findings
from blackstart.verdict.judge import judge
from tests.unit.builders import BEFORE, DOWN, UP, Story, change, experiment, finding, recovered, story, whole
from tests.unit.verdict.checks.rows import history, row


def mended(told: Story, at_s: float, undone_s: float = 9.0, **seen: object) -> Story:
    """A fault from 2 on, which somebody mends at `at_s`: the system leads again, long before the undo at `undone_s`."""
    told.phase(0, "baseline").reads(0.1, 2, **UP).phase(2, "fault").did(2.0).read(2.1, **UP)
    told.reads(2.2, at_s, **(DOWN | seen)).reads(at_s, undone_s, **(UP | seen)).phase(undone_s, "recovery")
    return told.reads(undone_s + 0.1, undone_s + 4, **UP).phase(undone_s + 4, "settle").gone(undone_s + 5)


def test_a_system_that_came_back_because_the_fault_was_over_is_inconclusive() -> None:
    judged = mended(story(), 5.0).phase(15, "end").judged()
    assert judged.verdict == "inconclusive"
    assert judged.reasons[0] == "the fault was over 4.0 s before its undo, ended by somebody else: redis was up"
    assert finding(judged, "during").status == "inconclusive"
    assert finding(judged, "during").message.endswith("; the fault was over by then")


def test_a_fault_that_was_over_before_its_effect_could_show_is_inconclusive() -> None:
    judged = mended(story(), 3.0, ready=200).phase(15, "end").judged()
    assert (judged.verdict, finding(judged, "during").status) == ("inconclusive", "inconclusive")


def test_all_seen_while_a_fault_lasted_that_was_over_too_early_is_no_pass() -> None:
    told = story()
    told.phase(0, "baseline").reads(0.1, 2, **UP).phase(2, "fault").did(2.0)
    told.reads(2.2, 5, **DOWN).reads(5, 6, **(DOWN | {"redis": "up"})).phase(6, "recovery")
    assert recovered(told).phase(10, "end").judged().verdict == "inconclusive"


def test_what_broke_while_the_fault_was_still_in_force_broke() -> None:
    judged = mended(story(), 8.0, undone_s=10, ready=200).phase(16, "end").judged()
    assert (judged.verdict, finding(judged, "during").status) == ("broke", "broke")


def test_what_must_always_hold_broke_whether_the_fault_was_over_or_not() -> None:
    judged = mended(story(), 5.0, health="sick").phase(15, "end").judged()
    assert (judged.verdict, finding(judged, "health").status) == ("broke", "broke")


def test_one_answer_of_a_service_that_is_down_is_flicker() -> None:
    told = story()
    told.phase(0, "baseline").reads(0.1, 2, **UP).phase(2, "fault").did(2.0)
    told.reads(2.2, 4.8, **DOWN).reads(4.8, 5, **(DOWN | {"redis": "up"})).phase(5, "recovery")
    assert recovered(told).phase(9.1, "end").judged().verdict == "held"


def test_a_service_of_which_nothing_can_be_seen_for_a_while_is_not_taken_for_mended() -> None:
    told = story()
    told.phase(0, "baseline").reads(0.1, 2, **UP).phase(2, "fault").did(2.0)
    told.reads(2.2, 4, **DOWN).reads(4, 5, **(DOWN | {"redis": "malformed"})).phase(5, "recovery")
    assert recovered(told).phase(9.1, "end").judged().verdict == "held"


def test_a_fault_that_lasted_until_its_undo_is_not_said_to_be_over() -> None:
    assert whole().judged().reasons == ()


@pytest.mark.parametrize(
    ("check", "params"),
    [
        ("none_acknowledged", {}),
        ("claim_holds", {"claim": ["==", "result", "error"], "text": "refused", "phase": "fault"}),
        ("outcomes", {"allowed": ("5xx",), "phase": "fault", "meanwhile": True}),
    ],
)
def test_what_was_asked_of_it_once_the_fault_was_over_accuses_nobody(check: str, params: dict[str, Any]) -> None:
    refused = [row(f"f{n}", "fail", at_s=2.5 + n / 10, status=500) for n in range(20)]
    served = [row(f"s{n}", at_s=5.5 + n / 10) for n in range(30)]
    checked = Check(check, "refused", params)
    for mended_s, verdict in ((5.0, "inconclusive"), (9.0, "broke")):
        told = Story(experiment(faults=(), baseline=(BEFORE,), checks=(checked,)), change())
        told.note(2.05, "did", change="drill_1#0").note(9.0, "undo", change="drill_1#0")
        record = mended(told, mended_s).phase(15, "end").record()
        assert judge(record, check_findings(record, history(*refused, *served))).verdict == verdict
