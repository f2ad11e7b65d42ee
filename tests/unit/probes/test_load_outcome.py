"""What the run's own load came to last: its outcome, or that it was not answered as usual."""

from __future__ import annotations

from pathlib import Path

import pytest

from blackstart.evidence.history import Outcome, Row
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.probes.read import read_once
from blackstart.probes.unrecorded import Unrecorded
from tests.unit.verdict.checks.rows import row


@pytest.mark.parametrize(
    ("outcome", "detail", "plain", "usual"),
    [
        ("ok", "counted", "ok", "ok"),
        ("ok", "bypassed", "ok", "bypassed"),
        ("ok", "", "ok", "ok"),  # a load that brings no words
        ("fail", "bypassed", "fail", "fail"),
        ("info", "", "info", "info"),
    ],
)
def test_an_answer_that_is_not_the_usual_one_is_told_by_its_detail(
    outcome: Outcome, detail: str, plain: str, usual: str, tmp_path: Path
) -> None:
    file = tmp_path / "history.csv"
    with HistoryWriter(file) as writer:
        writer.append(row("a", detail="counted"))
        writer.append(row("b", outcome, detail=detail))
    read = [read_once(probe.at_history(file), 2.0).value for probe in (LoadOutcome(), LoadOutcome(usual="counted"))]
    assert read == [plain, usual]


def test_without_a_row_nothing_is_there(tmp_path: Path) -> None:
    assert read_once(LoadOutcome(usual="counted").at_history(tmp_path / "none.csv"), 2.0).kind == "absent"


def test_why_a_request_was_not_served_is_noted(tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    with HistoryWriter(file) as writer:
        writer.append(row("a", "fail", status=401, detail="no such key"))
    assert read_once(LoadOutcome().at_history(file), 2.0).note == "401 no such key"


def test_requests_of_another_operation_can_be_left_out(tmp_path: Path) -> None:
    file = tmp_path / "history.csv"
    with HistoryWriter(file) as writer:
        writer.append(Row("order", "k-1", 1, 1.0, 1.0, 1.1, "fail", 503))
        writer.append(Row("plan", "k-2", 1, 1.0, 1.0, 1.2, "ok", 202))
    assert read_once(LoadOutcome(beside="plan").at_history(file), 2.0).value == "fail"
    assert read_once(LoadOutcome().at_history(file), 2.0).value == "ok"
    assert read_once(LoadOutcome(beside="order").at_history(file), 2.0).value == "ok"


def test_a_history_that_can_not_be_read_says_nothing_of_the_target(tmp_path: Path) -> None:
    """A system that was down all along would read the same."""
    assert read_once(LoadOutcome().at_history(tmp_path), 2.0).kind == "unreadable"
    unrecorded = Unrecorded("select 1", "order", dsn="postgresql://127.0.0.1:1/none").at_history(tmp_path)
    assert read_once(unrecorded, 2.0).kind == "unreadable"
