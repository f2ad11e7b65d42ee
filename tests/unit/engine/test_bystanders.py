"""A run looks at the services that it does not touch: real processes, one of which may die meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import redis

from blackstart.engine import bystanders
from blackstart.engine.bystanders import Bystanders
from blackstart.model.change import Change
from blackstart.model.control import State
from blackstart.model.experiment import Experiment
from blackstart.model.plan import Plan
from blackstart.model.target import Service, Target
from blackstart.reports import standing
from blackstart.reports.story import RunView
from tests.services import eventually, free_port, pings, redis_server
from tests.unit.safety.file_fault import without
from tests.unit.stage import TARGET, Told, drill


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A process that no drill touches."""
    monkeypatch.setattr(bystanders, "_BACK_WITHIN_S", 0.2)
    argv = [sys.executable, "-c", f"import time; time.sleep(600)  # {tmp_path.name}"]
    child = subprocess.Popen(argv)
    (tmp_path / "pid").write_text(str(child.pid))
    yield child
    child.kill()
    child.wait()


def controlled(tmp_path: Path) -> dict[str, Any]:
    return {"pidfile": str(tmp_path / "pid"), "start": [sys.executable, "-V"]}


def run(tmp_path: Path, *, during: Callable[[], object] = lambda: None, dsn: str = "", **parts: Any) -> Told:
    """A drill that touches a file, on a target with another service; `during` happens in its fault."""
    (tmp_path / "a").touch()
    told = Told(tmp_path, drill(tmp_path / "a", **parts), without(tmp_path / "a"))
    services = {**TARGET.services, "other": Service("other", dsn=dsn, control=controlled(tmp_path))}
    told.run.plan = replace(told.run.plan, target=replace(TARGET, services=services))
    broke = told.run._break

    def breaks() -> None:
        broke()
        during()

    told.run._break = breaks  # type: ignore[method-assign]
    told.end()
    return told


def finding(told: Told) -> Any:
    (found,) = (f for f in told.result.judgement.findings if f.name == "others_as_before")
    return found


def test_one_that_lives_on_is_as_before(tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    told = run(tmp_path)
    assert told.outcome == ("held", 0) and finding(told).status == "held"
    assert "other: as before" in told.out.getvalue()


def test_one_that_dies_meanwhile_breaks_the_run(tmp_path: Path, other: subprocess.Popen[bytes]) -> None:
    def die() -> None:
        other.kill()
        other.wait()

    told = run(tmp_path, during=die)
    assert told.outcome == ("broke", 20)
    assert "other was running before, and is stopped afterwards" in finding(told).message
    ended = standing.of(RunView(told.record, told.result.judgement, told.reports)).ended
    assert ended == (f"find out why that is down, then start it; with: cd {os.getcwd()} && {sys.executable} -V",)


def test_what_is_set_otherwise_afterwards_is_told_with_both_values(
    tmp_path: Path, other: subprocess.Popen[bytes]
) -> None:
    """Of a service that the run does not touch: it lives on, with another limit of memory."""
    port = free_port()
    server = subprocess.Popen(
        [redis_server(), "--port", str(port), "--save", "", "--maxmemory", "64mb"], stdout=subprocess.DEVNULL
    )
    try:
        assert eventually(lambda: pings(port))
        with redis.Redis(port=port) as client:
            told = run(tmp_path, during=lambda: client.config_set("maxmemory", "32mb"), dsn=f"redis://127.0.0.1:{port}")
    finally:
        server.kill()
        server.wait()
    (found,) = (f for f in told.result.judgement.findings if f.name == "settings_as_before")
    assert told.outcome == ("held", 0) and found.status == "inconclusive"
    assert found.message == "other: maxmemory was 67108864 before, and is 33554432 afterwards"


def test_one_that_can_not_be_looked_at_accuses_nobody(tmp_path: Path) -> None:
    (tmp_path / "pid").mkdir()  # what is no file names no process
    told = run(tmp_path)
    assert told.outcome == ("held", 0) and finding(told).status != "broke"


def planned(*changes: Change, ends: tuple[str, ...] = (), **services: Service) -> Bystanders:
    target = Target("x", services=services, allow=("allowed",))
    return Bystanders(Plan(Experiment("x", "x", "It holds.", ends=ends), target, changes, (), None))


def test_what_is_touched_or_allowed_or_has_no_control_is_none(tmp_path: Path) -> None:
    control = controlled(tmp_path)
    made = planned(
        without(tmp_path / "a"),  # of the service "file"
        file=Service("file", control=control),
        allowed=Service("allowed", control=control),
        bare=Service("bare"),
        leaking=Service("leaking", control=control),
        other=Service("other", control=control),
        ends=("leaking",),
    )
    assert set(made._others) == {"other"}


class Named(NamedTuple):
    """A control as a container's is: two names for one, told once they are resolved."""

    name: str
    by_hand: bool = False
    host: None = None

    def names(self) -> dict[str, str]:
        return {"docker": self.name}

    def identity(self) -> str:
        return f"docker:{self.name}"

    def reach(self) -> str:
        return ""

    def resolve(self) -> Named:
        return Named("4f1c")

    def read_state(self, timeout_s: float) -> State:
        return State("running", "7:100")

    def settings(self) -> dict[str, str]:
        return {}


def test_one_that_is_in_the_same_container_as_what_is_touched_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bystanders.controls, "of", lambda service: Named(service.name))
    target = Target("x", services={name: Service(name, control={"docker": name}) for name in ("redis", "cache")})
    seen: list[Any] = []
    observer = SimpleNamespace(note=lambda event, **told: seen.append(told))
    touched: Any = {"redis": Named("4f1c")}
    for controls, others in (({}, {"redis", "cache"}), (touched, set())):
        plan = Plan(Experiment("x", "x", "It holds."), target, (), (), None, controls=controls)
        Bystanders(plan).look("before", observer, lambda: None)  # type: ignore[arg-type]
        assert {name for told in seen for name in told["services"]} == others
        seen.clear()
