"""attempts_recorded on requests written by hand: what was decided and is not in the system's own record."""

from blackstart.evidence.history import Row
from blackstart.verdict.checks.attempts_recorded import attempts_recorded
from blackstart.verdict.checks.result import CheckResult
from tests.unit.verdict.checks.rows import history, recorded, row

REFUSED = {"status": 503, "detail": "STOCK_UNAVAILABLE"}


def judged(there: list[str] | None, *rows: Row) -> CheckResult:
    final = {} if there is None else {"attempts": there}
    decided = {"statuses": (200, 201, 409), "details": ("STOCK_UNAVAILABLE",)}
    return attempts_recorded(recorded(history(*rows), final), source="attempts", **decided)


def test_each_decided_attempt_is_there_as_often_as_it_was_made() -> None:
    rows = (row("a"), row("b", "info", **REFUSED), row("b", attempt=2))
    assert judged(["a", "b", "b"], *rows).verdict == "held"
    result = judged(["a", "b"], *rows)
    assert result.verdict == "broke" and result.offenders == ("b",)
    assert result.message.startswith("attempts of 1 keys are not recorded")


def test_a_refusal_that_left_no_trace_is_found() -> None:
    result = judged(["a"], row("a"), row("b", "info", **REFUSED))
    assert result.verdict == "broke" and result.offenders == ("b",)


def test_what_was_not_decided_may_stand_there_or_not() -> None:
    unanswered = row("c", "info"), row("d", "info", status=503, detail="UNREACHABLE")
    rows = (row("a"), row("b", "fail"), *unanswered)
    assert judged(["a", "b"], *rows).verdict == judged(["a", "b", "c", "d"], *rows).verdict == "held"


def test_a_run_without_a_refusal_or_without_the_record_shows_nothing() -> None:
    assert judged(["a"], row("a")).verdict == "inconclusive"
    assert "no attempt was refused" in judged(["a"], row("a")).message
    assert judged(None, row("a"), row("b", "fail")).verdict == "inconclusive"
    assert judged(["b"], row("b", "fail")).verdict == "inconclusive"
