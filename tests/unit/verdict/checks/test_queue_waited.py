"""queue_waited on readings written by hand."""

import pytest

from blackstart.evidence.journal import Record
from blackstart.verdict.checks.queue_waited import queue_waited
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from tests.unit.builders import Story, change, experiment
from tests.unit.verdict.checks.rows import history
from tests.unit.verdict.checks.test_queue_grew import read

STRIKE = ({"event": "do", "at": 5.0}, {"event": "did", "at": 7.0})


def seen(*events: dict[str, object]) -> CheckResult:
    return queue_waited(Recorded(history(), Record(events)), probe="lag", least=5.0)


def test_what_waits_before_and_is_not_done_afterwards_waited_when_it_struck() -> None:
    result = seen(read(4.0, 0), *STRIKE, read(5.5, 12), read(6.5, 40), read(7.5, 44), read(9.0, 0))
    assert (result.verdict, result.actual) == ("held", "40 when the fault struck, 44 right after")


@pytest.mark.parametrize(("before", "after"), [(0, 50), (4, 50), (50, 4), (0, 0)])
def test_what_was_worked_off_before_the_kill_or_came_after_it_was_in_nobodys_hands(before: int, after: int) -> None:
    result = seen(read(4.0, 50), read(5.5, 50), *STRIKE, read(6.0, before), read(8.0, after), read(9.0, 50))
    assert result.verdict == "inconclusive"
    told = f"lag was {before} when the fault struck, {after} right after: too little waited that could have been lost"
    assert result.message == told


def test_a_kill_between_two_readings_is_known_by_the_last_before_it() -> None:
    assert seen(read(4.0, 50), read(4.9, 7), *STRIKE, read(8.0, 9)).actual == "7 when the fault struck, 9 right after"


def test_a_queue_that_nobody_saw_and_a_kill_that_never_came_are_none() -> None:
    assert "no number before" in seen(*STRIKE, read(8.0, 50)).message
    assert "no number once" in seen(read(6.0, 50), *STRIKE, read(8.0, "unreachable")).message
    assert seen(read(6.0, 50), STRIKE[0]).verdict == "inconclusive"


def test_what_is_revived_before_the_fault_is_done_had_its_hands_full_when_it_was_seen_to_strike() -> None:
    told = Story(experiment(), change()).phase(0.0, "baseline").read(0.5, redis="up").phase(1.0, "fault").did(1.0)
    told.reads(1.1, 2.1, redis="up").read(2.1, lag=40).reads(2.2, 2.9, redis="unreachable").read(2.9, lag=60)
    told.note(3.0, "did", change="").reads(3.1, 9.0, redis="unreachable", lag=0)
    told.phase(9.0, "recovery").phase(10.0, "end")
    result = queue_waited(Recorded(history(), told.record()), probe="lag", least=5.0)
    assert (result.verdict, result.actual) == ("held", "40 when the fault struck, 60 right after")
