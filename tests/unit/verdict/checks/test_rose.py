"""rose on readings written by hand."""

import pytest

from blackstart.evidence.journal import Record
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult
from blackstart.verdict.checks.rose import rose
from tests.unit.verdict.checks.rows import history
from tests.unit.verdict.checks.test_queue_grew import read


def seen(*values: object) -> CheckResult:
    return rose(
        Recorded(history(), Record(tuple(read(float(n), value) for n, value in enumerate(values)))), probe="lag"
    )


def test_what_rises_is_used() -> None:
    result = seen(7, "unreachable", 7, 8)
    assert (result.verdict, result.actual) == ("held", "7 at first, 8 in the end")


def test_what_a_broker_has_forgotten_meanwhile_had_risen() -> None:
    assert seen(5000, 5040, 0, 300).verdict == seen(5000, 0, 3).verdict == "held"


@pytest.mark.parametrize("values", [(), (7,), (7, 5, 0), (7, "unreachable"), (7, 7, 7), (0, 0)])
def test_what_stands_still_or_was_not_read_tells_nothing(values: tuple[object, ...]) -> None:
    assert seen(*values).verdict == "inconclusive"
