"""Fixtures that every test may use."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from blackstart_lab.ports import HIGHEST, LOWEST
from tests import leftovers
from tests.cluster.cluster import Cluster, alone
from tests.one_at_a_time import OneAtATime
from tests.requirements import demanded, require

_counted = itertools.count()


def pytest_configure(config: pytest.Config) -> None:
    """A demand that is misspelt demands nothing: the tests don't begin with it. Each worker has ports of its own."""
    demanded()
    leftovers.begin(config)
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if worker:
        each = (HIGHEST + 1 - LOWEST) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        lowest = LOWEST + each * int(worker.removeprefix("gw"))
        # A port whose server is stopped for a while is free to everybody else.
        os.environ["BLACKSTART_LAB_PORTS"] = f"{lowest}-{lowest + each - 1}"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneAtATime | None:
    """Files side by side, but for those that this machine has room for only one of."""
    return OneAtATime(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """What a fixture of a module, or a worker that died, has left is ended, and the session has failed."""
    if hasattr(session.config, "workerinput"):
        return
    folder = session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
    left = leftovers.of_session(folder).end_what_is_left()
    if left:
        print("\nThe tests left processes behind, which were ended:", *left, sep="\n  ")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a test has started has ended with it, whether it failed or not."""
    mark = f"{os.environ[leftovers.MARK]}.{os.environ.get('PYTEST_XDIST_WORKER', '')}{next(_counted)}"
    monkeypatch.setenv(leftovers.MARK, mark)
    watch = leftovers.Watch(mark, tmp_path)
    yield
    left = watch.end_what_is_left()
    if left:
        pytest.fail("\n  ".join(("it left processes behind, which were ended:", *left)), pytrace=False)


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaves_nothing: None) -> Path:
    """Each test has a state folder and locks of its own, so that tests can run side by side."""
    state = tmp_path / "state"
    monkeypatch.setenv("BLACKSTART_STATE", str(state))
    monkeypatch.setenv("BLACKSTART_LOCKS", str(tmp_path / "locks"))
    for name in ("API", "TARGET", "NONINTERACTIVE", "PAUSE_ON_FAIL", "REDIS_CONTAINER", "POSTGRES_CONTAINER"):
        monkeypatch.delenv(name, raising=False)
    return state


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A Kubernetes for all tests of a file, one at a time on this machine. What a killed session left goes first."""
    require("kubernetes")
    with alone() as one:
        yield one
