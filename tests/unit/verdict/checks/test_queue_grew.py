"""queue_grew on readings written by hand."""

from blackstart.evidence.journal import Record
from blackstart.verdict.checks.queue_grew import queue_grew
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from tests.unit.verdict.checks.rows import history


def grown(before: object, during: object, ended: bool = True) -> CheckResult:
    def read(at_s: float, value: object) -> dict[str, object]:
        kind = "value" if isinstance(value, int) else str(value)
        seen = [["lag", kind, value if kind == "value" else None]]
        return {"event": "read", "endpoint": "x", "at": at_s, "sent": at_s, "answered": at_s, "tick": 0.1, "r": seen}

    phases = [("baseline", 0.0), ("fault", 2.0), *([("recovery", 5.0)] if ended else [])]
    marks = [{"event": "phase", "phase": name, "began": at_s, "at": at_s} for name, at_s in phases]
    return queue_grew(Recorded(history(), Record((*marks, read(1.0, before), read(3.0, during)))), probe="lag")


def test_a_queue_that_rises_by_more_than_the_usual_is_proof() -> None:
    result = grown(4, 15)
    assert (result.verdict, result.actual) == ("held", "15 at most during the fault, 4 before")


def test_an_empty_queue_or_one_that_is_as_before_is_none() -> None:
    assert grown(0, 0).verdict == grown(8, 15).verdict == "inconclusive"
    assert "nothing waited" in grown(0, 0).message


def test_a_queue_that_nobody_saw_is_none() -> None:
    assert "nobody saw" in grown(0, "unreachable").message
    assert grown(0, 20, ended=False).verdict == "inconclusive"
