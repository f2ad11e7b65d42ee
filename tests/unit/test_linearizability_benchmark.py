"""The benchmark of the check of histories fails where its goal is missed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.environment import ROOT


@pytest.mark.parametrize(("goal_s", "code"), [("0", 1), ("600", 0)])
def test_what_takes_longer_than_the_goal_is_told_and_exits_1(goal_s: str, code: int) -> None:
    few = ("--operations", "20", "--keys", "2", "--rounds", "1", "--goal-s", goal_s)
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "linearizability.py", *few], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert ("above the goal: register (held), register (broke), list" in done.stderr) == bool(code)
