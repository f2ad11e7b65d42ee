"""The benchmark of judging a history finds what it has planted, and fails where its goal is missed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.environment import ROOT


@pytest.mark.parametrize(("goal", "code"), [("0", 1), ("600", 0)])
def test_what_takes_longer_than_the_goal_is_told_and_exits_1(goal: str, code: int) -> None:
    few = ("--rows", "2000", "--rounds", "1", "--goal", goal)
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "histories.py", *few], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "÷ once" in done.stdout and "÷ bare" in done.stdout
    assert ("above the goal: 2000 requests" in done.stderr) == bool(code)
