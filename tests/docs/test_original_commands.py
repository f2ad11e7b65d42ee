"""The commands of the original documents, as they stand there, on a lab: interactive ones are answered by a script."""

import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from tests.environment import ROOT
from tests.lab.drills import environment, ledger
from tests.lab.lab_driver import LabDriver
from tests.requirements import require

# Word for word. Without NONINTERACTIVE=1 they ask.
RUN_ALL = """
# Run all chaos tests
bash scripts/chaos_test_leader_lock.sh
bash scripts/chaos_test_postgres.sh
bash scripts/chaos_test_rate_limit.sh

# Or in CI/CD (non-interactive)
NONINTERACTIVE=1 PAUSE_ON_FAIL=1 bash scripts/chaos_test_leader_lock.sh
"""
IN_CI = """
NONINTERACTIVE=1 bash scripts/chaos_test_leader_lock.sh
NONINTERACTIVE=1 bash scripts/chaos_test_postgres.sh
"""
SCRIPTS = ("leader_lock", "postgres", "rate_limit")


def around(lab: LabDriver, reports: Path) -> dict[str, str]:
    """What surrounds the commands: the lab as the target, and folders of the test's own."""
    env = environment(lab.state, reports)
    env.pop("NONINTERACTIVE")
    return env


def results(reports: Path) -> list[tuple[str, str]]:
    """Which drill left a log, and its last row, in the order of their times."""
    logs = sorted(reports.glob("*.log"), key=lambda path: path.stat().st_mtime)
    return [(path.name.rpartition("_")[0], path.read_text().splitlines()[-1]) for path in logs]


def by_bash(block: str, lab: LabDriver, reports: Path) -> subprocess.CompletedProcess[str]:
    """As GitHub Actions runs a `run` block: one bash that ends at the first failure, without a terminal."""
    env = around(lab, reports)
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", block], cwd=ROOT, env=env,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def test_all_of_them_in_a_row_with_an_operator_at_the_terminal_pass(lab: LabDriver, tmp_path: Path) -> None:
    require("terminal")
    env = {**around(lab, tmp_path), "TERM": "xterm"}
    child = pexpect.spawn("bash", ["-e", "-c", RUN_ALL], cwd=str(ROOT), env=env, encoding="utf-8", timeout=120)
    said, asked = "", 0
    while True:
        found = child.expect([r"\[y/N\] ?", "(?:A note for the evidence|What was learned)[^\r\n]*?: ?", pexpect.EOF])
        said += child.before + str(child.after if found < 2 else "")
        if found == 2:
            break
        asked += found == 0
        child.sendline("y" if found == 0 else "")
    child.close()
    assert child.exitstatus == 0, said
    assert asked == 3, said
    assert results(tmp_path) == [
        ("leader_lock", "test_result,PASS"),
        ("postgres_blip", "test_result,PASS"),
        ("rate_limit_spike", "test_result,PASS"),
        ("leader_lock", "test_result,PASS"),
    ]
    assert ledger(lab.state) == []


def test_the_block_for_a_pipeline_passes(lab: LabDriver, tmp_path: Path) -> None:
    done = by_bash(IN_CI, lab, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert results(tmp_path) == [("leader_lock", "test_result,PASS"), ("postgres_blip", "test_result,PASS")]


def test_without_a_terminal_and_without_leave_to_go_on_nothing_is_started(lab: LabDriver, tmp_path: Path) -> None:
    done = by_bash("bash scripts/chaos_test_leader_lock.sh", lab, tmp_path / "reports")
    assert done.returncode == 40, done.stdout
    assert done.stderr.startswith("Not started:"), done.stderr
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("way", ["sh", "py"])
def test_every_script_refuses_an_unknown_target_from_any_folder(
    lab: LabDriver, tmp_path: Path, script: str, way: str
) -> None:
    program = {"sh": "bash", "py": sys.executable}[way]
    done = subprocess.run(
        [program, str(ROOT / "scripts" / f"chaos_test_{script}.{way}"), "--target", "labb"],
        cwd=tmp_path, env={**around(lab, tmp_path / "reports"), "NONINTERACTIVE": "1"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 40, done.stdout + done.stderr
    assert done.stderr.startswith('Not started: no target "labb"')


def test_a_python_script_runs_its_drill(lab: LabDriver, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/chaos_test_rate_limit.py", "--plan-count", "20"],
        cwd=ROOT, env={**around(lab, tmp_path), "NONINTERACTIVE": "1"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert results(tmp_path) == [("rate_limit_spike", "test_result,PASS")]


def test_the_scripts_are_short(lab: LabDriver) -> None:
    for script in SCRIPTS:
        for way in ("sh", "py"):
            path = ROOT / "scripts" / f"chaos_test_{script}.{way}"
            assert len(path.read_text().splitlines()) <= 25
            assert way == "py" or os.access(path, os.X_OK) or path.read_text().startswith("#!")
