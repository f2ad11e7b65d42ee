"""`--json`: the last line of standard output is what the task came to, whatever that is; errors stand elsewhere."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackstart.base import clock
from blackstart.base.errors import EXIT_INCONCLUSIVE, EXIT_REFUSED
from blackstart.commands import answer, due, run, suite
from blackstart.evidence.folder import Folder
from blackstart.model.verdict import Verdict
from blackstart.reports import result_json
from blackstart.suites import discovery
from blackstart.verdict.from_folder import Result
from blackstart.verdict.judge import Judgement


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BLACKSTART_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("BLACKSTART_JSON", raising=False)


def last(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["schema"] == 1
    return told


def test_a_flag_that_can_not_be_read_is_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.run("trader/leader-lock", {"json": True, "hold": "abc"}) == EXIT_REFUSED
    told = last(capsys)
    assert (told["kind"], told["experiment"]) == ("run", "trader/leader-lock")
    assert (told["verdict"], told["exit_code"]) == ("refused", EXIT_REFUSED)
    assert told["cause"].startswith("--hold='abc'")


def test_the_variable_asks_for_it_too_and_nobody_gets_it_unasked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run.run("nobody", {}) == EXIT_REFUSED
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("BLACKSTART_JSON", "1")
    assert run.run("nobody", {}) == EXIT_REFUSED
    assert last(capsys)["cause"].startswith('no experiment "nobody"')


def test_a_mistake_of_ours_is_no_verdict(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by password=hunter2")

    monkeypatch.setattr(discovery, "find", broken)
    assert run.run("leader-lock", {"json": True}) == EXIT_INCONCLUSIVE
    told = last(capsys)
    assert (told["verdict"], told["exit_code"]) == (None, EXIT_INCONCLUSIVE)
    assert told["cause"] == "ZeroDivisionError: by password=[redacted]"


def test_a_suite_tells_of_each_of_its_runs_and_of_those_that_it_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "_refuse_undeclared", lambda *_: None)
    assert suite.suite("trader", {"json": True, "target": "nope", "noninteractive": True}, False) == EXIT_REFUSED
    told = last(capsys)
    assert (told["kind"], told["suite"], told["verdict"]) == ("suite", "chaos.suite", "refused")
    first, *others = told["runs"]
    assert (first["experiment"], first["verdict"]) == ("leader-lock", "refused")
    assert others and all(each["verdict"] is None and each["cause"].startswith("not run: ") for each in others)


def test_a_suite_that_is_refused_as_a_whole_has_no_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert suite.suite("trader", {"json": True, "total_max": "never"}, True) == EXIT_REFUSED
    told = last(capsys)
    assert (told["verdict"], told["runs"]) == ("refused", []) and "--total-max='never'" in told["cause"]


def test_a_suite_whose_target_file_is_not_right_says_so_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mine.toml").write_text('name = "mine"\nkind = "trader"\nbogus = 1\n')
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    options = {"json": True, "target": str(tmp_path / "mine.toml"), "noninteractive": True}
    assert suite.suite("trader", options, True) == EXIT_REFUSED
    out, err = capsys.readouterr()
    assert err.count('unknown key "bogus"') == 2 and err.count("::error ") == 1  # in words, and as an annotation
    assert (tmp_path / "summary.md").read_text().count("bogus") == 1
    told = json.loads(out.splitlines()[-1])
    assert (told["verdict"], told["runs"]) == ("refused", []) and "bogus" in told["cause"]


def test_a_calendar_with_nothing_due_has_run_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "schedule.toml").write_text(
        'begins = 2999-12-30\n[[drill]]\nexperiment = "trader/leader-lock"\nweek = 1\n'
    )
    assert due.due({"json": True}, "schedule.toml", True) == 0
    told = last(capsys)
    assert (told["verdict"], told["runs"]) == ("held", [])
    assert due.due({"json": True}, "none.toml", True) == EXIT_REFUSED
    assert "none.toml" in last(capsys)["cause"]
    assert due.due({"json": True}, "schedule.toml", False) == EXIT_REFUSED
    assert "--run" in capsys.readouterr().err


def without_a_record(tmp_path: Path, verdict: Verdict) -> Result:
    """A run that has ended, and whose journal is gone."""
    evidence = Folder("leader_lock", tmp_path, clock.utc_now())
    return Result(Judgement(verdict, ("redis is still stopped",), ()), evidence, verdict.exit_code)


@pytest.mark.parametrize("verdict", [Verdict.NOT_RESTORED, Verdict.BROKE])
def test_a_record_that_can_not_be_read_changes_no_verdict(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verdict: Verdict
) -> None:
    monkeypatch.setattr(run, "run_one", lambda *_: without_a_record(tmp_path, verdict))
    assert run.run("trader/leader-lock", {"json": True}) == verdict.exit_code
    told = last(capsys)
    assert (told["verdict"], told["exit_code"]) == (verdict, verdict.exit_code)
    assert (told["experiment"], told["cause"]) == ("trader/leader-lock", "redis is still stopped")
    assert told["evidence"] == str(tmp_path)


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Also where these tests run in the background of a shell, in which SIGINT is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def signalled(signum: int) -> Any:
    """Stands for a drill that somebody ends at its first prompt."""

    def at_the_prompt(*_: object) -> None:
        os.kill(os.getpid(), signum)
        signal.pause()

    return at_the_prompt


def test_a_signal_at_the_question_says_that_nothing_was_touched(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyboardInterrupt) as raised, answer.before_anything():
        raise KeyboardInterrupt
    assert answer.interrupted(raised.value) == 130
    assert capsys.readouterr().err == "Not started: interrupted at the question. Nothing was touched\n"


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_before_a_run_is_told_in_a_line_and_has_all_fields(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, signum: int, code: int
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(run, "run_one", signalled(signum))
    assert run.run("trader/leader-lock", {"json": True}) == code
    captured = capsys.readouterr()
    (told,) = captured.err.splitlines()
    assert told.startswith("Interrupted, with no drill under way.") and told.endswith("chaos.status")
    result = json.loads(captured.out.splitlines()[-1])
    assert set(result) == {"schema", "kind", *result_json.blank("", None, None, "")}
    assert (result["experiment"], result["verdict"], result["exit_code"]) == ("trader/leader-lock", None, code)
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_suite_that_a_signal_ends_between_its_drills_says_what_was_not_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, signum: int, code: int
) -> None:
    monkeypatch.setattr(suite, "_refuse_undeclared", lambda *_: None)
    monkeypatch.setattr(suite, "run_one", signalled(signum))
    assert suite.suite("trader", {"json": True}, True) == code
    *out, data = capsys.readouterr().out.splitlines()
    result = json.loads(data)
    assert (result["verdict"], result["exit_code"]) == (None, code) and result["cause"].startswith("interrupted")
    first, *others = result["runs"]
    assert first["exit_code"] == code and all(each["exit_code"] is None for each in others)
    assert any(line.startswith("chaos.suite: interrupted, 0 of") for line in out)


def test_a_suite_that_is_interrupted_before_its_first_drill_has_its_fields(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suite, "_refuse_undeclared", signalled(signal.SIGINT))
    assert suite.suite("trader", {"json": True}, True) == 130
    told = last(capsys)
    assert (told["verdict"], told["exit_code"], told["runs"]) == (None, 130, [])
