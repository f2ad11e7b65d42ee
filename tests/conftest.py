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


# Where tests mostly wait for real servers: first, so that none of them is what all the others have ended before.
_SLOW_FIRST = ("lab", "contract", "docs")
_SPREAD = _SLOW_FIRST[:2]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What workers share out: a file at a time, since its tests share a lab; of drills, each that shares nothing."""
    folders = {item: item.path.relative_to(Path(__file__).parent).parts[0] for item in items}
    items.sort(key=lambda item: _SLOW_FIRST.index(folders[item]) if folders[item] in _SLOW_FIRST else len(_SLOW_FIRST))
    for item in items:
        if folders[item] not in _SPREAD or _shares(item):
            item.add_marker(pytest.mark.xdist_group(str(item.path)))


def _shares(item: pytest.Item) -> bool:
    """Whether it uses a fixture of ours that lives longer than one test."""
    defined = getattr(item, "_fixtureinfo").name2fixturedefs.values()  # noqa: B009  (pytest has no public name for it)
    return any(one.scope != "function" and one.baseid for fixtures in defined for one in fixtures)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a state folder and locks of its own, so that tests can run side by side."""
    state = tmp_path / "state"
    monkeypatch.setenv("BLACKSTART_STATE", str(state))
    monkeypatch.setenv("BLACKSTART_LOCKS", str(tmp_path / "locks"))
    for name in ("API", "TARGET", "NONINTERACTIVE", "PAUSE_ON_FAIL", "REDIS_CONTAINER", "POSTGRES_CONTAINER"):
        monkeypatch.delenv(name, raising=False)
    return state
