"""What programs are told of runs that were refused, or are not restored: by `--json`, and by a webhook."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab.drills import ROOT, command, environment, ledger
from tests.lab.lab_driver import LabDriver
from tests.lab.pausing_drill import __file__ as FILE
from tests.webhook import Hook

Told = Callable[..., tuple[dict[str, Any], list[str]]]


@pytest.fixture
def run(lab: LabDriver, tmp_path: Path) -> Told:
    """Runs a task with --json and that webhook; returns what the last line says, and the lines before it."""

    def told(hook: Hook, *words: str, **more: str) -> tuple[dict[str, Any], list[str]]:
        env = environment(
            lab.state, tmp_path / "reports", DRILL_FILE=str(tmp_path / "file"), PYTHONPATH=str(ROOT),
            BLACKSTART_WEBHOOK=hook.url, **more,
        )  # fmt: skip
        done = subprocess.run(
            command(*words, "--json"), cwd=ROOT, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=240, check=False,
        )  # fmt: skip
        *lines, last = done.stdout.splitlines()
        result: dict[str, Any] = json.loads(last)
        assert result["exit_code"] == done.returncode, done.stdout + done.stderr
        return result, lines

    return told


def test_what_was_refused_before_anything_was_looked_at_has_no_record_and_is_told_to_nobody(run: Told) -> None:
    with Hook(200) as hook:
        told, lines = run(hook, "chaos.leader-lock", "--target=nowhere")
    assert (told["verdict"], told["exit_code"], told["run"], told["evidence"]) == ("refused", 40, None, None)
    assert "nowhere" in told["cause"] and lines == [] and hook.got == []


def test_what_was_refused_once_it_was_looked_at_tells_what_was_read_and_where_that_stands(run: Told) -> None:
    with Hook(200) as hook:
        told, _ = run(hook, "chaos.run", FILE, HOW="held")  # the file is not there
    assert (told["verdict"], told["exit_code"], told["restored"]) == ("refused", 40, None)
    assert told["cause"].startswith('"remove file": the system does not look healthy to begin with: file was False')
    assert (told["still_broken"], told["mend_first"], told["abort"]) == ([], [], "not asked for")
    assert told["target"] == "trader" and told["run"].startswith("held_") and Path(told["evidence"]).is_dir()
    assert hook.got == []


def test_what_is_not_restored_is_told_with_what_is_to_be_mended_before_trading_goes_on(
    lab: LabDriver, run: Told, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    try:
        with Hook(200) as hook:
            told, lines = run(hook, "chaos.run", FILE, HOW="not-restored", PAUSE_ON_FAIL="1")
        assert (told["verdict"], told["exit_code"], told["restored"]) == ("not-restored", 50, False)
        (broken,) = told["still_broken"]
        assert broken.startswith("remove file, undone by: ") and told["cause"].startswith("remove file: no proof")
        assert told["mend_first"] == [told["next"]]
        assert told["next"].endswith(f"chaos.heal --experiment {FILE}")
        assert told["state"] == "paused" and "/resume" in told["resume"]
        assert lines[-1] == told["next"]
        (mend, resume) = (number for number, line in enumerate(lines) if line.startswith(("1. mend:", "2. resume:")))
        assert mend < resume and lines[resume].endswith(told["resume"])
        (sent,) = hook.got
        assert sent["blackstart"]["verdict"] == "not-restored" and sent["blackstart"]["still_broken"] == [broken]
        said = sent["text"].splitlines()
        assert "not restored" in said[0] and f"STILL BROKEN: {broken}".split(",")[0] in sent["text"]
        assert said[-2].startswith("heal: ") and said[-1].startswith("resume, once that is done: curl ")
    finally:
        (tmp_path / "file.mends").touch()
        env = {**environment(lab.state, tmp_path / "reports"), "PYTHONPATH": str(ROOT)}
        healed = subprocess.run(
            command("chaos.heal", "--experiment", FILE),
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        lab.post("/resume")
    assert ledger(lab.state) == [] and (tmp_path / "file").exists(), healed.stdout + healed.stderr
