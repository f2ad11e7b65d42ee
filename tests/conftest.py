"""Fixtures that every test may use."""

import os
from collections.abc import Iterator
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


# Drills start servers and take the processors; most other tests wait. Mixed, they fill the time: by the share of the
# whole order that tests of a folder are spread over, the long chains of drills that share a lab first.
_SPREAD_OVER = {"lab": (0.2, 0.9), "contract": (0.0, 0.95)}
_CHAINS_OVER = (0.0, 0.5)
_SHARED_OUT_ONE_BY_ONE = ("lab", "contract")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What workers share out: a file at a time, since its tests share a lab; of drills, each that shares nothing."""
    kinds: dict[tuple[str, bool], list[pytest.Item]] = {}
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        alone = folder in _SHARED_OUT_ONE_BY_ONE and not _shares(item)
        kinds.setdefault((folder, alone), []).append(item)
        if not alone:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
    places: dict[pytest.Item, float] = {}
    for (folder, alone), alike in kinds.items():
        begin, end = _CHAINS_OVER if folder == "lab" and not alone else _SPREAD_OVER.get(folder, (0.0, 1.0))
        places |= {item: begin + (end - begin) * number / len(alike) for number, item in enumerate(alike)}
    for group in _groups(items):  # a file's tests stay together, and in their order
        places |= dict.fromkeys(group, places[group[0]])
    items.sort(key=places.__getitem__)


def _groups(items: list[pytest.Item]) -> Iterator[list[pytest.Item]]:
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        if mark := item.get_closest_marker("xdist_group"):
            files.setdefault(mark.args[0], []).append(item)
    yield from files.values()


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
