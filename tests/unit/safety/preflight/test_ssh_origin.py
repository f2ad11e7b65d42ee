"""How we came onto this machine is found where sudo has cleaned the environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = "from blackstart.safety.preflight.ssh_origin import came_by; print(came_by())"
CAME_BY = "192.0.2.7 50123 10.0.0.4 2022"


def ask(way: str, **environment: str) -> str:
    """What a process says whose parent is a shell with this in its environment."""
    line = f"{way} '{sys.executable}' -c '{ASK}'; true"  # `true`: or the shell would become what it is asked to run
    done = subprocess.run(
        ["sh", "-c", line], env={**os.environ, "PYTHONPATH": "lib", **environment}, capture_output=True, text=True,
        timeout=20, check=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def nobody_came_by_ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)


def test_our_own_environment_comes_first() -> None:
    assert ask("", SSH_CONNECTION=CAME_BY) == CAME_BY


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows the environment of others")
def test_what_a_wrapper_removed_is_found_with_our_ancestors() -> None:
    assert ask("env -u SSH_CONNECTION", SSH_CONNECTION=CAME_BY) == CAME_BY
