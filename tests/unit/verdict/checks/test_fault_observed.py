"""Whether the target felt the fault: by its answers, their times and what it says of itself, for better or worse."""

from __future__ import annotations

from typing import Any

import pytest

from blackstart.evidence.history import Row
from blackstart.model.experiment import Check
from blackstart.verdict.checks.catalogue import apply
from blackstart.verdict.checks.fault_observed import fault_observed
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from tests.unit.builders import Story, experiment
from tests.unit.histories import history_of
from tests.unit.verdict.checks.rows import row

HEALTHY = {"redis_health": "UP", "breaker_closed": 1}
WELL = {"redis_health": "UP", "breaker_closed": 1.0}


def requests(from_s: int, to_s: int, took_s: float = 0.01, **more: Any) -> list[Row]:
    """Ten a second, all alike."""
    times = [tenth / 10 for tenth in range(from_s * 10, to_s * 10)]
    made = {"status": 200, "detail": "counted", **more}
    return [row(f"k{at_s}", op="request", at_s=at_s, end_s=at_s + took_s, **made) for at_s in times]


def judged(*rows: Row, before: dict[str, Any] = WELL, during: dict[str, Any] = WELL) -> CheckResult:
    """A baseline from 0 to 5 s, a fault from 5 to 10 s, with these rows and readings."""
    told = Story(experiment()).phase(0, "baseline").reads(0.1, 5, **before).phase(5, "fault")
    told.reads(5.1, 10, **during).phase(10, "recovery").phase(11, "end")
    evidence = Recorded(history_of(rows), told.record())
    return fault_observed(evidence, op="request", usual="counted", healthy=HEALTHY)


def test_a_target_that_goes_on_as_if_nothing_were_is_inconclusive_with_the_figures() -> None:
    result = judged(*requests(0, 10))
    assert result.verdict == "inconclusive"
    assert "0 of 50 requests changed" in result.message and "0 of 49 readings of redis_health" in result.message
    assert "past the proxy" in result.message


def test_a_run_that_was_killed_in_the_midst_of_its_fault_is_not_said_to_have_injected_none() -> None:
    told = Story(experiment()).phase(0, "baseline").reads(0.1, 5, **WELL).phase(5, "fault").reads(5.1, 7, **WELL)
    result = fault_observed(Recorded(history_of(requests(0, 7)), told.record()), op="request", healthy=HEALTHY)
    assert (result.verdict, result.message) == ("inconclusive", "the run ended in the midst of the fault")


@pytest.mark.parametrize(
    "other",
    [
        {"detail": "bypassed"},
        {"outcome": "fail", "status": 503, "detail": ""},
        {"outcome": "info", "status": None, "detail": "timed out"},
        {"took_s": 1.8},
    ],
    ids=["fallback", "refused", "hangs", "waits"],
)
def test_requests_that_were_answered_otherwise_than_before_hold_also_where_that_is_a_defect(
    other: dict[str, Any],
) -> None:
    assert judged(*requests(0, 5), *requests(5, 10, **other)).verdict == "held"


def test_a_few_odd_requests_of_a_busy_machine_are_no_proof() -> None:
    rows = requests(0, 10)
    rows[60:64] = [one._replace(detail="bypassed") for one in rows[60:64]]
    assert judged(*rows).verdict == "inconclusive"
    rows[60:65] = [one._replace(detail="bypassed") for one in rows[60:65]]
    assert judged(*rows).verdict == "held"


def test_what_was_as_odd_before_the_fault_is_no_proof() -> None:
    odd = requests(0, 3, detail="bypassed"), requests(3, 5), requests(5, 8, detail="bypassed"), requests(8, 10)
    assert judged(*(one for part in odd for one in part)).verdict == "inconclusive"


def test_a_load_whose_answers_say_nothing_is_judged_by_what_the_target_says_of_itself() -> None:
    mute = requests(0, 10, detail="")
    assert judged(*mute).verdict == "inconclusive"
    assert judged(*mute, during={**WELL, "redis_health": "DOWN"}).verdict == "held"
    assert judged(*mute, during={**WELL, "breaker_closed": 0.0}).verdict == "held"


def test_a_target_that_shows_nothing_of_itself_is_inconclusive() -> None:
    nothing = {"redis_health": "absent", "breaker_closed": "absent"}
    result = judged(*requests(0, 10, detail=""), before=nothing, during=nothing)
    assert (result.verdict, "no readings of redis_health" in result.message) == ("inconclusive", True)


def test_only_what_was_due_during_the_fault_counts() -> None:
    assert judged(*requests(0, 10), *requests(10, 11, detail="bypassed")).verdict == "inconclusive"


def test_without_a_fault_or_a_request_nothing_can_be_said() -> None:
    told = Story(experiment()).phase(0, "baseline").reads(0.1, 5, **WELL).phase(5, "end")
    assert fault_observed(Recorded(history_of(), told.record())).message == "the fault was never injected"
    assert judged().verdict == "inconclusive"


def test_its_finding_is_a_premise_where_the_check_is_one() -> None:
    told = Story(experiment()).phase(0, "baseline").phase(5, "end")
    check = Check("fault_observed", "gateway_felt_it", {"healthy": HEALTHY}, premise=True)
    found = apply(check, Recorded(history_of(), told.record()))
    assert (found.premise, found.status) == (True, "inconclusive")


def test_a_load_that_was_late_itself_is_no_proof() -> None:
    """A busy machine sends late, and what the load waited for itself is not what the target took."""
    late = [one._replace(start_s=one.intended_s + 0.4, end_s=one.intended_s + 0.41) for one in requests(5, 10)]
    assert judged(*requests(0, 5), *late).verdict == "inconclusive"


def test_without_anything_before_the_fault_nobody_knows_what_is_usual() -> None:
    result = judged(*requests(5, 10, outcome="fail", status=404, detail=""))
    assert (result.verdict, "no requests before the fault" in result.message) == ("inconclusive", True)
    unread = {"redis_health": "absent", "breaker_closed": "absent"}
    result = judged(before=unread, during={**WELL, "redis_health": "DOWN"})
    assert (result.verdict, "no readings of redis_health before the fault" in result.message) == ("inconclusive", True)
