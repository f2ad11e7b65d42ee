"""The scripts without Invoke are the tasks themselves: their options, their refusals, their exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import ROOT


def started(script: str, here: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "NONINTERACTIVE": "1", "BLACKSTART_STATE": str(here / "state")}
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / script, *words], cwd=here, env=env, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("script", ["chaos-test.py", "chaos_test_leader_lock.py", "run_chaos.py"])
def test_a_script_ends_with_the_code_of_its_task_from_any_folder(script: str, tmp_path: Path) -> None:
    done = started(script, tmp_path, "--target", "nowhere")
    assert done.returncode == 40 and 'Not started: no target "nowhere"' in done.stderr, done.stdout + done.stderr


def test_the_flash_sales_quick_test_takes_what_its_drill_takes(tmp_path: Path) -> None:
    refused = started("chaos-test.py", tmp_path, "--target", "nowhere", "--k6", "load.js", "--hold", "10h", "--note=x")
    assert refused.returncode == 40 and "HOLD=36000 s" in refused.stderr, refused.stderr
