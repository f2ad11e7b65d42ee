"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

from blackstart_lab.ports import HIGHEST, LOWEST
from tests.requirements import demanded


def pytest_configure() -> None:
    """A demand that is misspelt demands nothing: the tests don't begin with it. Each worker has ports of its own."""
    demanded()
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        each = (HIGHEST + 1 - LOWEST) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        lowest = LOWEST + each * int(worker.removeprefix("gw"))
        # A port whose server is stopped for a while is free to everybody else.
        os.environ["BLACKSTART_LAB_PORTS"] = f"{lowest}-{lowest + each - 1}"


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a state folder and locks of its own, so that tests can run side by side."""
    state = tmp_path / "state"
    monkeypatch.setenv("BLACKSTART_STATE", str(state))
    monkeypatch.setenv("BLACKSTART_LOCKS", str(tmp_path / "locks"))
    for name in ("API", "TARGET", "NONINTERACTIVE", "PAUSE_ON_FAIL", "REDIS_CONTAINER", "POSTGRES_CONTAINER"):
        monkeypatch.delenv(name, raising=False)
    return state
