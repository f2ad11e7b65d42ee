"""Fixtures that every test may use."""

from pathlib import Path

import pytest

from tests.requirements import demanded


def pytest_configure() -> None:
    """A demand that is misspelt demands nothing: the tests don't begin with it."""
    demanded()


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a state folder of its own, so that tests can run side by side."""
    state = tmp_path / "state"
    monkeypatch.setenv("BLACKSTART_STATE", str(state))
    for name in ("API", "TARGET", "NONINTERACTIVE", "PAUSE_ON_FAIL", "REDIS_CONTAINER", "POSTGRES_CONTAINER"):
        monkeypatch.delenv(name, raising=False)
    return state
