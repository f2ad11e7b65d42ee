"""Checks are found by their files, and a mistake in naming one is told."""

import pytest

from blackstart.checks import names, run
from blackstart.errors import BadExperiment
from tests.unit.checks.rows import history, row

OURS = {
    "exactly_once", "latency_within", "no_duplicates", "no_lost_write", "no_oversell", "outcomes", "overlap",
    "rate_reached", "retry_not_doubled", "thresholds",
}  # fmt: skip


def test_every_file_with_a_function_of_its_name_is_a_check() -> None:
    assert set(names()) >= OURS
    assert not {"catalogue", "result", "state"} & set(names())


def test_a_check_runs_by_name_with_its_parameters() -> None:
    assert run("exactly_once", history(row("a")), {"sql": ["a"]}, {"source": "sql"}).verdict == "held"


def test_an_unknown_check_or_parameter_is_refused() -> None:
    with pytest.raises(BadExperiment, match='Did you mean "exactly_once"'):
        run("exactly_onse", history(), {})
    with pytest.raises(BadExperiment, match='has no parameter "sauce". Did you mean "source"'):
        run("exactly_once", history(), {}, {"sauce": "sql"})


def test_a_check_that_crashes_is_inconclusive() -> None:
    result = run("latency_within", history(row("a")), {}, {"limits_ms": {"median": 3}})
    assert result.verdict == "inconclusive"
    assert "the check crashed: ValueError" in result.message
