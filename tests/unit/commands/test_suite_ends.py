"""How a suite ends: what did not hold and why, how the system stands, and what was left out; from records of runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blackstart.base import clock
from blackstart.commands import suite
from blackstart.evidence.folder import Folder
from blackstart.suites import systems
from blackstart.verdict.from_folder import Result
from tests.unit.reports.drills import Drill, judged, told

Runs = Callable[..., None]
HELD = Drill()
BROKE = Drill(leads_again=False, end_s=9.5)
RESUME = "curl -X POST http://127.0.0.1:8000/resume"
PAUSED = {"ok": True, "state": "paused", "of": "the trader", "resume": RESUME}
ABORTED = replace(BROKE, extra=[("abort", {"settled": True}), ("abort verified", PAUSED)])


def ended(drill: Drill, reports: Path, without: str = "") -> Result:
    path = told(drill, reports)
    _, judgement = judged(path)
    if without:
        findings = (replace(judgement.findings[0], left_out=without), *judgement.findings[1:])
        judgement = replace(judgement, findings=findings)
    return Result(judgement, Folder(drill.run, path, clock.utc_now()), judgement.verdict.exit_code)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runs:
    """Has the drills of the suite come to these, in their order; the last one counts for all after it."""
    monkeypatch.setattr(suite, "_refuse_undeclared", lambda *_: None)
    order, every = systems.of("trader").order, suite.in_order
    monkeypatch.setattr(suite, "in_order", lambda name: [found for found in every(name) if found.name in order])
    monkeypatch.setattr(suite, "_with_variants", lambda drills, given: [suite.Job(one, "", given) for one in drills])

    def come_to(*drills: Drill, **how: str) -> None:
        left, number = list(drills), iter(range(99))

        def one(*_: Any) -> Result:
            return ended(left.pop(0) if len(left) > 1 else left[0], tmp_path / str(next(number)), **how)

        monkeypatch.setattr(suite, "run_one", one)

    return come_to


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_suite_says_of_each_drill_that_did_not_hold_why(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    runs(HELD, BROKE)
    assert suite.suite("trader", {"json": True}, True) == 20
    *_, first, second, ends, again, data = lines(capsys)
    result = json.loads(data)
    cause = result["runs"][1]["cause"]
    assert cause and result["cause"] == cause
    assert first.startswith(f"rate-limit-spike: {cause}") and second.startswith(f"postgres-blip: {cause}")
    assert (ends, again.partition(":")[0]) == ("chaos.suite: broke, 1 of 3 held", "run again")


def test_the_last_lines_say_how_the_system_is_resumed(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    runs(ABORTED)
    assert suite.suite("trader", {}, False) == 20
    *_, state, resume, ends, _ = lines(capsys)
    assert state == "state: the trader is paused, by PAUSE_ON_FAIL, and stayed paused"
    assert (resume, ends) == (f"resume: {RESUME}", "chaos.suite: broke, 0 of 3 held")


def test_what_is_still_broken_is_to_be_mended_before_the_system_is_resumed(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    runs(Drill(gone_ok=False, extra=ABORTED.extra))
    assert suite.suite("trader", {}, False) == 50
    told = [line.partition(":")[0] for line in lines(capsys)]
    assert told[told.index("state") :][:3] == ["state", "mend first", "resume"]


@pytest.mark.parametrize(("state", "told"), [("paused", "has paused"), ("unseen", "was to pause")])
def test_what_has_paused_trading_ends_a_suite_that_was_to_go_on(
    runs: Runs, capsys: pytest.CaptureFixture[str], state: str, told: str
) -> None:
    """Each later drill would be refused, since its baseline demands that nothing is paused."""
    runs(HELD, replace(BROKE, extra=[("abort", {}), ("abort verified", PAUSED | {"state": state})]), HELD)
    assert suite.suite("trader", {"json": True}, True) == 20
    *out, data = lines(capsys)
    first, second, third = json.loads(data)["runs"]
    assert (first["exit_code"], second["exit_code"], third["exit_code"]) == (0, 20, None)
    why = f"rate-limit-spike {told} trading (PAUSE_ON_FAIL)"
    assert third["cause"] == f"not run: {why}" and any(why in line for line in out)
    assert f"resume: {RESUME}" in out


def test_a_suite_says_what_was_left_out_by_choice(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    runs(HELD, without="orders")
    assert suite.suite("trader", {}, False) == 0
    told = capsys.readouterr().out
    assert told.count("held, without orders") == 3 and "chaos.suite: held, 3 of 3" in told


def test_a_refused_drill_among_others_is_the_cause_where_nothing_else_is(
    runs: Runs, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs(HELD)
    run_one = suite.run_one

    def one(found: Any, *more: Any) -> Result:
        if found.name == "rate-limit-spike":
            raise suite.Refused("no broker answers")
        return run_one(found, *more)

    monkeypatch.setattr(suite, "run_one", one)
    assert suite.suite("trader", {"json": True}, True) == 30
    told = lines(capsys)
    assert "rate-limit-spike: Not started: no broker answers" in told
    assert json.loads(told[-1])["cause"] == "no broker answers"
