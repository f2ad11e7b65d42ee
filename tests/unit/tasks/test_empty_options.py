"""An option that was given and is empty (`--run=$UNSET` in a job) is refused; only what is left out means "all"."""

import subprocess
import sys

import pytest

from tests.environment import ROOT


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("gateway.run --scenario=", "scenario"),
        ("gateway.baseline --target=", "target"),
        ("gateway.suite --redis-url=", "redis-url"),
        ("chaos.run leader-lock --variant=", "variant"),
        ("chaos.plan leader-lock --note=", "note"),
        ("chaos.heal --forget=", "forget"),
        ("report.show --run=", "run"),
        ("report.judge --run=", "run"),
        ("report.html --out=", "out"),
        ("report.export --check=", "check"),
        ("report.trend --baseline=", "baseline"),
        ("report.verify --reports=", "reports"),
        ("report.note --run=x --text=y --by=", "by"),
        ("proxy.up --config=", "config"),
        ("proxy.up --seed=", "seed"),
        ("lab.up gateway --mutant=", "mutant"),
        ("lab.up gateway --port=", "port"),
        ("lab.down --name=", ""),
    ],
)
def test_an_empty_option_is_refused_by_name(words: str, option: str) -> None:
    command = [sys.executable, "-m", "invoke", *words.split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 40, done.stdout + done.stderr
    assert done.stderr.startswith("Not started: ") and option in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""
