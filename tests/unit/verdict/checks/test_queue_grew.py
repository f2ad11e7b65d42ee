"""queue_grew on readings written by hand."""

from blackstart.evidence.journal import Record
from blackstart.verdict.checks.queue_grew import queue_grew
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from tests.unit.verdict.checks.rows import history


def read(at_s: float, value: object) -> dict[str, object]:
    kind = "value" if isinstance(value, int) else str(value)
    seen = [["lag", kind, value if kind == "value" else None]]
    return {"event": "read", "endpoint": "x", "at": at_s, "sent": at_s, "answered": at_s, "tick": 0.1, "r": seen}


def seen(*events: dict[str, object], ended: bool = True) -> CheckResult:
    phases = [("baseline", 0.0), ("fault", 2.0), *([("recovery", 15.0)] if ended else [])]
    marks = [{"event": "phase", "phase": name, "began": at_s, "at": at_s} for name, at_s in phases]
    return queue_grew(Recorded(history(), Record((*marks, *events))), probe="lag")


def grown(before: object, during: object, ended: bool = True) -> CheckResult:
    return seen(read(1.0, before), read(3.0, during), ended=ended)


def test_a_queue_that_rises_by_more_than_the_usual_is_proof() -> None:
    result = grown(4, 15)
    assert (result.verdict, result.actual) == ("held", "15 at most during the fault, 4 before")


def test_an_empty_queue_or_one_that_is_as_before_is_none() -> None:
    assert grown(0, 0).verdict == grown(8, 15).verdict == "inconclusive"
    assert "nothing waited" in grown(0, 0).message


def test_a_queue_that_nobody_saw_is_none() -> None:
    assert "nobody saw" in grown(0, "unreachable").message
    assert grown(0, 20, ended=False).verdict == "inconclusive"


def test_a_queue_that_was_not_read_before_the_fault_may_have_been_as_long() -> None:
    result = grown("unreachable", 500)
    assert (result.verdict, "gave no number before" in result.message) == ("inconclusive", True)


KILL = tuple({"event": name, "at": at_s} for name, at_s in (("do", 7.0), ("did", 7.1), ("undo", 14.0)))


def test_what_waited_before_a_schedule_s_first_change_was_not_at_stake() -> None:
    empty = seen(read(1.0, 0), read(3.0, 40), read(6.0, 0), *KILL, read(8.0, 0), read(13.0, 0))
    assert (empty.verdict, empty.actual) == ("inconclusive", "0 at most during the fault, 40 before")
    assert seen(read(1.0, 0), read(6.0, 20), *KILL, read(8.0, 0), read(13.0, 90)).verdict == "held"
    assert "nobody saw" in seen(read(1.0, 0), read(6.0, 40), *KILL, read(14.5, 90)).message  # undone by then
