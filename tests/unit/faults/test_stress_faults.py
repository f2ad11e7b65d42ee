"""Processor time and memory taken from a service, as data: how much, beside whom, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import Refused
from blackstart.controls.docker import Docker
from blackstart.controls.process import Process
from blackstart.faults import _cgroups
from blackstart.faults.cpu_stress import CpuStress
from blackstart.faults.memory_stress import MemoryStress
from blackstart.model.change import Change, Fault
from blackstart.model.control import State
from blackstart.model.step import Command
from blackstart.model.target import Service, Target
from blackstart.safety.preflight import rehearsal

MB = 1024 * 1024
RUNNING = State("running", f"{os.getpid()}:noon", os.getpid())
CONTROL = {"process": "api --port 80", "start": ["sleep", "1"]}


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """1000 MB of memory, of which 600 are available, two processors, no control groups, no stress-ng."""
    told: dict[str, Any] = {"total": 1000 * MB, "available": 600 * MB}
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(**told))
    monkeypatch.setattr(_cgroups, "group_of", lambda pid, controller: None)
    monkeypatch.setattr(_cgroups, "cpus_of", lambda pid: (4, 5))
    monkeypatch.setattr(Process, "read_state", lambda self, timeout_s=10.0: told.get("state", RUNNING))
    which = shutil.which
    monkeypatch.setattr(
        shutil, "which", lambda name, **more: told.get(name) if name == "stress-ng" else which(name, **more)
    )
    return told


def plan(fault: Fault, control: dict[str, Any] = CONTROL) -> Change:
    (change,) = fault.plan(Target("shop", services={"api": Service("api", "127.0.0.1:80", control=control)}))
    return change


def begun(change: Change) -> str:
    (step,) = change.do
    assert isinstance(step, Command)
    return step.argv[2]


@pytest.mark.parametrize(
    ("fault", "kind"), [(CpuStress("api", 0.8), "cpu"), (MemoryStress("api", 0.5, margin_mb=1), "memory")]
)
def test_what_the_guardian_reads_is_what_was_planned(fault: Fault, kind: str) -> None:
    change = plan(fault)
    assert from_data(json.loads(json.dumps(to_data(change)))) == change
    assert change.undo_is_noop and change.rights and change.what == fault.describe()
    gone = ["api_port is open", "api_status is running", f"api_{kind}_stressor is absent"]
    assert [str(one) for one in change.gone] == gone


def test_the_services_own_processors_are_used_to_the_load_that_was_asked_for(machine: dict[str, Any]) -> None:
    change = plan(CpuStress("api", 0.75))
    assert " 660 2 0.75 4,5 " in begun(change)
    assert [str(one) for one in change.bites] == ["api_stress_cores at least 0.75", "api_cpu_stressor is there"]
    machine["stress-ng"] = "/usr/bin/stress-ng"
    line = "/usr/bin/stress-ng --cpu 2 --cpu-load 75 --taskset 4,5 --timeout 660s"
    assert line in begun(plan(CpuStress("api", 0.75)))


def test_memory_is_filled_up_to_a_share_of_all_not_by_it(machine: dict[str, Any]) -> None:
    assert " 660 300 100 " in begun(plan(MemoryStress("api", 0.7, margin_mb=100)))
    with pytest.raises(Refused, match="this machine uses 40% of its 1000 MB of memory already: give a larger share"):
        plan(MemoryStress("api", 0.4))


def test_what_would_leave_the_machine_less_than_its_margin_is_refused() -> None:
    said = "Not started: 100 MB more would leave this machine 500 MB of memory, less than the margin of 512 MB"
    with pytest.raises(Refused, match=said):
        plan(MemoryStress("api", mb=100))
    plan(MemoryStress("api", mb=88))


def test_what_would_leave_the_services_control_group_less_than_a_margin_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, text in (
        ("memory.max", 100 * MB),
        ("memory.current", 60 * MB),
        ("memory.stat", f"inactive_file {20 * MB}"),
    ):
        (tmp_path / name).write_text(f"{text}\n")
    group = _cgroups.Group(tmp_path, tmp_path.parent, unified=True)
    monkeypatch.setattr(_cgroups, "group_of", lambda pid, controller: None if pid == "self" else group)
    assert str(tmp_path / "cgroup.procs") in begun(plan(MemoryStress("api", 0.9, margin_mb=1)))
    assert " 660 50 1 " in begun(plan(MemoryStress("api", 0.9, margin_mb=1)))
    with pytest.raises(Refused, match=r"56 MB more would leave the control group of api 4 MB .* margin of 5 MB"):
        plan(MemoryStress("api", mb=56, margin_mb=1))


def test_a_control_group_that_may_not_be_entered_is_refused_before_anything_is_touched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    group = _cgroups.Group(tmp_path / "api", tmp_path, unified=True)
    monkeypatch.setattr(_cgroups, "group_of", lambda pid, controller: None if pid == "self" else group)
    change = plan(CpuStress("api", 0.5))
    monkeypatch.setattr(rehearsal, "wait_gone", lambda change, within_s: True)
    monkeypatch.setattr(rehearsal, "all_true", lambda conditions: False)
    with pytest.raises(Refused, match=r"a right needed .* nothing may be put into .*/cgroup.procs: run this as"):
        rehearsal.rehearse([replace(change, rights=change.rights[-1:])])


def test_what_does_not_run_on_this_machine_is_refused(machine: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Process, "resolve", lambda self: self)
    with pytest.raises(Refused, match="api runs at ssh://ops@db1: this fault is made on this machine only"):
        plan(CpuStress("api", 0.5), {**CONTROL, "host": "ssh://ops@db1"})
    machine["state"] = State("running")
    with pytest.raises(Refused, match="which process api is can't be seen"):
        plan(CpuStress("api", 0.5))
    with pytest.raises(Refused, match="by hand"):
        plan(MemoryStress("api", 0.5), {"manual": "the blue box"})
    container = Docker(container="api", name="api", id="a" * 64, engine="docker", endpoint="unix:///d.sock")
    monkeypatch.setattr(Docker, "resolve", lambda self: container)
    monkeypatch.setattr(Docker, "read_state", lambda self, timeout_s=10.0: RUNNING)
    monkeypatch.setattr(Docker, "dependents", lambda self: ())
    with pytest.raises(Refused, match="is not the container api's: its engine runs in a machine of its own"):
        plan(CpuStress("api", 0.5), {"docker": "api"})


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"load": 0}, "load must be above 0"), ({"load": 1.5}, "at most 1"),
        ({}, "either share"), ({"share": 0.5, "mb": 5}, "either share"), ({"share": 2.0}, "share must be"),
        ({"mb": 0}, "mb and margin_mb must be above 0"), ({"mb": 5, "margin_mb": 0}, "must be above 0"),
    ],
)  # fmt: skip
def test_figures_that_mean_nothing_are_refused_where_they_are_written(values: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        CpuStress("api", **values) if "load" in values else MemoryStress("api", **values)


def files(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        file = folder / name.replace("__", "/").replace("DOT", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def test_the_groups_of_either_version_are_found_and_the_narrowest_limit_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    one, two = tmp_path / "memory", tmp_path / "unified"
    mounted = (f"1 2 0:1 / {one} rw - cgroup cgroup rw,memory", f"2 2 0:2 / {two} rw - cgroup2 cgroup2 rw")
    files(
        tmp_path,
        proc__self__mountinfo="\n".join(mounted),
        proc__7__cgroup="4:memory:/docker/x\n0::/\n",
        proc__8__cgroup="0::/a/b\n",
        memory__docker__x__memoryDOTlimit_in_bytes="9223372036854771712\n",
        memory__docker__memoryDOTlimit_in_bytes="1000\n",
        unified__a__b__cgroupDOTcontrollers="cpu memory\n",
        unified__a__b__memoryDOTmax="max\n",
        unified__a__memoryDOTmax="500\n",
        unified__a__b__cpuDOTmax="50000 100000\n",
    )
    old = _cgroups.group_of(7, "memory", tmp_path / "proc")
    new = _cgroups.group_of(8, "memory", tmp_path / "proc")
    assert old and new and not old.unified and new.unified
    assert (old.folder, new.folder) == (one / "docker/x", two / "a/b")
    assert [group.limit_bytes() for group in old.above()] == [None, 1000, None]
    assert [group.limit_bytes() for group in new.above()] == [None, 500, None]
    assert new.cores() == 0.5 and _cgroups.group_of(7, "cpu", tmp_path / "proc") is None
    assert _cgroups.group_of(9, "memory", tmp_path / "proc") is None
