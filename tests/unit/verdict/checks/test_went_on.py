"""went_on on requests written by hand: a load that nobody took when the fault came proves nothing of it."""

from blackstart.evidence.history import Outcome, Row
from blackstart.evidence.journal import Record
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from blackstart.verdict.checks.went_on import went_on
from tests.unit.verdict.checks.rows import history, recorded, row

PHASES = {"baseline": (0.0, 10.0), "fault": (10.0, 20.0), "recovery": (20.0, 30.0)}
IDLE = {"302": "waiting room", "409": "sold out"}


def sent(from_s: float, to_s: float, outcome: Outcome = "ok", status: int | None = 200) -> list[Row]:
    """One each half second."""
    times = [from_s + 0.5 * step for step in range(round((to_s - from_s) * 2))]
    return [row(f"k{at_s}", outcome, at_s=at_s, status=status) for at_s in times]


def judged(*parts: list[Row], meanwhile: bool = True) -> CheckResult:
    rows = [each for part in parts for each in part]
    return went_on(recorded(history(*rows), phases=PHASES), idle=IDLE, meanwhile=meanwhile)


def test_a_load_that_is_accepted_before_and_meanwhile_is_at_stake() -> None:
    result = judged(sent(0, 20))
    assert result.verdict == "held"
    assert result.actual == "in the last 3 s before the fault 6 × accepted; during the fault 20 × accepted"


def test_a_stock_that_ran_out_before_the_fault_is_told_as_that() -> None:
    result = judged(sent(0, 6), sent(6, 20, "fail", 409), meanwhile=False)
    assert result.verdict == "inconclusive"
    assert "turned away in the last 3 s before the fault: 6 × 409 sold out" in result.message


def test_of_a_schedule_the_time_before_its_first_fault_is_looked_at() -> None:
    made = recorded(history(*sent(0, 12), *sent(12, 15, "fail", 409), *sent(15, 20)), phases=PHASES)
    struck = made.record.events + ({"event": "do", "at": 15.0, "change": "x#0"},)
    told = Recorded(made.history, Record(struck))
    result = went_on(told, idle=IDLE, meanwhile=True)
    assert result.verdict == "inconclusive"
    assert "turned away in the last 3 s before the fault: 6 × 409 sold out" in result.message
    assert went_on(made, idle=IDLE, meanwhile=True).verdict == "held"


def test_a_gate_that_lets_nobody_in_while_the_fault_is_in_force_is_told_as_that() -> None:
    result = judged(sent(0, 10), sent(10, 20, "fail", 302))
    assert result.verdict == "inconclusive"
    assert "turned away during the fault: 20 × 302 waiting room" in result.message


def test_orders_whose_fate_nobody_knows_before_the_fault_are_none_that_it_could_hurt() -> None:
    result = judged(sent(0, 6), sent(6, 20, "info", None))
    assert result.verdict == "inconclusive" and "6 × no answer" in result.message


def test_errors_during_the_fault_are_for_the_other_checks_to_judge() -> None:
    assert judged(sent(0, 10), sent(10, 20, "info", 500)).verdict == "held"


def test_a_load_that_was_not_sent_is_no_load() -> None:
    assert "no request was sent in the last 3 s" in judged(sent(10, 20)).message
    assert "no request was sent during the fault" in judged(sent(0, 10)).message
    assert went_on(recorded(history(), phases={"baseline": (0.0, 10.0)}), idle=IDLE).verdict == "inconclusive"
