"""queue_waited on readings written by hand."""

import pytest

from blackstart.evidence.journal import Record
from blackstart.verdict.checks.queue_waited import queue_waited
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from tests.unit.verdict.checks.rows import history
from tests.unit.verdict.checks.test_queue_grew import read

STRIKE = ({"event": "do", "at": 5.0}, {"event": "did", "at": 7.0})


def seen(*events: dict[str, object]) -> CheckResult:
    return queue_waited(Recorded(history(), Record(events)), probe="lag", least=5.0)


def test_what_came_while_it_was_paused_and_nobody_took_waits_when_it_is_killed() -> None:
    result = seen(read(4.0, 0), *STRIKE, read(5.5, 12), read(6.5, 40))
    assert (result.verdict, result.actual) == ("held", "40 at most just before the fault")


@pytest.mark.parametrize("meanwhile", [0, 4])
def test_an_empty_queue_at_the_kill_is_none_whatever_waits_before_and_afterwards(meanwhile: int) -> None:
    result = seen(read(4.0, 50), *STRIKE, read(6.0, meanwhile), read(8.0, 50))
    assert result.verdict == "inconclusive"
    assert (
        result.message
        == f"lag was {meanwhile} at most just before the fault: too little waited that could have been lost"
    )


def test_a_kill_between_two_readings_is_known_by_the_last_before_it() -> None:
    assert seen(read(4.0, 50), read(4.9, 7), *STRIKE, read(8.0, 0)).actual == "7 at most just before the fault"


def test_a_queue_that_nobody_saw_and_a_kill_that_never_came_are_none() -> None:
    assert "nobody saw" in seen(*STRIKE, read(8.0, 50)).message
    assert "nobody saw" in seen(read(6.0, "unreachable"), *STRIKE).message
    assert seen(read(6.0, 50), STRIKE[0]).verdict == "inconclusive"
