"""Checks are found by their files, and a mistake in naming one is told."""

from typing import Any

from blackstart.model.experiment import Check
from blackstart.model.finding import Finding
from blackstart.verdict.checks.catalogue import apply, names
from tests.unit.verdict.checks.rows import history, recorded, row

OURS = {
    "exactly_once", "latency_within", "no_duplicates", "no_lost_write", "no_oversell", "outcomes", "overlap",
    "rate_reached", "retry_not_doubled", "thresholds",
}  # fmt: skip


def test_every_file_with_a_function_of_its_name_is_a_check() -> None:
    assert set(names()) >= OURS
    assert not {"catalogue", "leaderships", "recorded", "result", "state"} & set(names())


def applied(name: str, final: dict[str, Any] | None = None, **params: Any) -> Finding:
    return apply(Check(name, "ours", params, hint="look there"), recorded(history(row("a")), final))


def test_a_check_runs_by_name_with_its_parameters() -> None:
    assert applied("exactly_once", {"sql": ["a"]}, source="sql").status == "held"


def test_a_hint_goes_with_what_did_not_hold() -> None:
    assert applied("exactly_once", {"keys": ["a"]}).hint == ""
    assert applied("exactly_once", {"keys": []}).hint == "look there"


def test_an_unknown_check_or_parameter_is_inconclusive_and_told() -> None:
    unknown = applied("exactly_onse")
    assert (unknown.status, 'Did you mean "exactly_once"' in unknown.message) == ("inconclusive", True)
    unknown = applied("exactly_once", sauce="sql")
    assert (unknown.status, "'sauce'" in unknown.message) == ("inconclusive", True)


def test_a_check_that_crashes_is_inconclusive() -> None:
    result = applied("latency_within", limits_ms={"median": 3})
    assert result.status == "inconclusive"
    assert "the check crashed: ValueError" in result.message


def test_records_of_before_name_checks_that_have_another_name_now() -> None:
    phases = {"baseline": (0.0, 9.0), "fault": (9.0, 60.0)}
    slow = recorded(history(row("before", at_s=5.0), row("a"), row("slow", end_s=15.1)), phases=phases)
    assert apply(Check("affected", "orders_affected", {"op": "order"}), slow).status == "held"
    assert (
        apply(Check("affected", "orders_affected", {"op": "order", "slow_ms": 5200.0}), slow).status == "inconclusive"
    )
    assert apply(Check("felt", "gateway_felt_it", {"op": "order", "usual": "", "healthy": {}}), slow).status == "held"
    missing = Check("unstated", "limit_kept", {"facts": ["window_s"], "expected": "no more than the limit"})
    assert "window_s" in apply(missing, slow).message
