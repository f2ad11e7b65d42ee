"""What BLACKSTART_REQUIRE demands: a skip becomes a failure, and a word that demands nothing is refused."""

import os
import subprocess
import sys

import pytest

from tests import requirements
from tests.environment import ROOT


def test_a_misspelt_demand_ends_the_tests_before_they_begin() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "tests/unit/test_durations.py"],
        cwd=ROOT,
        env={**os.environ, "BLACKSTART_REQUIRE": "promethius,ssh"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR, done.stdout + done.stderr
    assert "promethius" in done.stderr and "prometheus" in done.stderr


@pytest.mark.parametrize(("words", "fails"), [("docker", True), ("docker-compose", True), ("ssh", False)])
def test_who_demands_docker_demands_its_compose(monkeypatch: pytest.MonkeyPatch, words: str, fails: bool) -> None:
    monkeypatch.setenv("BLACKSTART_REQUIRE", words)
    monkeypatch.setattr(requirements, "missing", lambda need: None if need == "docker" else "not there")
    with pytest.raises(pytest.fail.Exception if fails else pytest.skip.Exception, match="docker-compose"):
        requirements.require("docker", "docker-compose")


def test_every_need_that_can_be_demanded_can_be_asked_about() -> None:
    for need in set(requirements.KNOWN) - {"registries"}:
        assert requirements.missing(need) is None or requirements.missing(need)
