"""Processor time and memory taken from a real service: it is really used, and nothing of ours is left afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import EXIT_INCONCLUSIVE
from blackstart.faults import _cgroups, _stressor
from blackstart.faults.cpu_stress import CpuStress
from blackstart.faults.memory_stress import MemoryStress
from blackstart.model.change import Change, Fault
from blackstart.model.target import Service, Target
from blackstart.safety.heal.restore import is_gone, restore
from blackstart.safety.preflight.rehearsal import rehearse
from tests.contract.network_runs import NetworkRun
from tests.docker_engine import docker, redis_container
from tests.requirements import require
from tests.services import Supervised, by_shell, carry_out, eventually, pings, so, supervised_redis

CPU, MEMORY = CpuStress("redis", 0.3), MemoryStress("redis", mb=64)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    with supervised_redis(tmp_path_factory.mktemp("stressed")) as made:
        yield made


@pytest.fixture(params=["stress-ng", "our own"])
def means(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With stress-ng, and on a machine without it."""
    if request.param == "stress-ng":
        require("stress-ng")
    else:
        which = shutil.which
        monkeypatch.setattr(shutil, "which", lambda name, **more: None if name == "stress-ng" else which(name, **more))
    return str(request.param)


def planned(fault: Fault, where: Target) -> Change:
    """The fault's change, as the guardian reads it from the ledger."""
    (change,) = fault.plan(where)
    again = from_data(json.loads(json.dumps(to_data(change))))
    assert isinstance(again, Change) and again == change
    return again


def stressors(change: Change) -> list[psutil.Process]:
    """What runs of it: the process in its record, and its children."""
    record = Path(change.undo[0].argv[-1])  # type: ignore[union-attr]
    try:
        root = psutil.Process(int(record.read_text().partition(":")[0]))
        return [root, *root.children(recursive=True)]
    except (OSError, psutil.NoSuchProcess):
        return []


def ended(processes: list[psutil.Process]) -> bool:
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes)


def bites_and_is_undone(fault: Fault, where: Target, undo_by_hand: bool) -> list[psutil.Process]:
    change = planned(fault, where)
    rehearse([change])
    carry_out(change.do)
    assert eventually(lambda: so(change.bites)), [str(one) for one in change.bites]
    assert not is_gone(change)
    running = stressors(change)
    assert running
    if undo_by_hand:
        by_shell(change.undo)
        by_shell(change.undo)
    assert restore(change, print, 20)
    assert ended(running) and not stressors(change)
    return running


def test_processor_time_is_used_and_given_back(lab: Supervised, means: str) -> None:
    bites_and_is_undone(CPU, lab.target(), undo_by_hand=means == "our own")
    assert pings(lab.port)


def test_memory_is_held_and_given_back(lab: Supervised) -> None:
    bites_and_is_undone(MEMORY, lab.target(), undo_by_hand=True)
    assert pings(lab.port)


def test_a_stressor_whose_parent_is_killed_leaves_no_worker(lab: Supervised, means: str) -> None:
    change = planned(CpuStress("redis", 1.0), lab.target())
    carry_out(change.do)
    assert eventually(lambda: len(stressors(change)) >= min(2, int(_cgroups.cores_of(os.getpid()))))
    parent, *workers = stressors(change)
    parent.kill()
    assert eventually(lambda: ended(workers)), workers
    assert restore(change, print, 20)


def test_a_run_whose_stressor_is_killed_in_the_hold_is_inconclusive(lab: Supervised, tmp_path: Path) -> None:
    service = lab.service()
    table = {"address": service.address, "control": dict(service.control)}
    one = NetworkRun(tmp_path, MEMORY, {"services": {"redis": table}}, hold_s=4.0)
    one.wait_for("the fault bites")
    (mine, *_) = stressors(planned(MEMORY, lab.target()))
    mine.kill()
    assert one.end() == EXIT_INCONCLUSIVE, one.text
    assert "ended by somebody else: redis_stress_mb was 0" in " ".join(one.text.split())


def test_a_stressor_that_nobody_ends_ends_by_itself(tmp_path: Path) -> None:
    record = tmp_path / "record"
    record.touch()
    program = [sys.executable, _stressor.__file__]
    for words in (["cpu", record, "0.5", "2", "0.1", ""], ["memory", record, "0.5", "16", "1"]):
        ran = subprocess.run([*program, *map(str, words)], timeout=30, check=False)
        assert ran.returncode == 0


def test_a_stressor_whose_record_is_lost_ends_by_itself(lab: Supervised) -> None:
    change = planned(MEMORY, lab.target())
    carry_out(change.do)
    running = stressors(change)
    Path(change.undo[0].argv[-1]).unlink()  # type: ignore[union-attr]
    assert eventually(lambda: ended(running))
    assert restore(change, print, 20)


def test_what_holds_memory_ends_where_the_machine_has_less_than_its_margin(tmp_path: Path) -> None:
    require("proc")
    record = tmp_path / "record"
    record.touch()
    words = [sys.executable, _stressor.__file__, "memory", str(record), "60", "64", str(10**9)]
    ran = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 1 and "memory left, less than 1000000000 MB" in ran.stderr


def test_the_process_that_has_a_stressors_number_by_now_is_left_alone(lab: Supervised) -> None:
    change = planned(MEMORY, lab.target())
    carry_out(change.do)
    (mine, *_) = stressors(change)
    record = Path(change.undo[0].argv[-1])  # type: ignore[union-attr]
    other = subprocess.Popen(["sleep", "60"])
    try:
        record.write_text(f"{other.pid}:1\n")
        by_shell(change.undo[:1])
        assert other.poll() is None and not record.exists()
        assert eventually(lambda: ended([mine]))
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait(timeout=10)


@pytest.mark.docker
@pytest.mark.root
def test_a_containers_memory_is_filled_to_its_limit_and_the_container_lives() -> None:
    require("root", "docker")
    with redis_container() as (name, port):
        docker("update", "--memory", "128m", "--memory-swap", "128m", name)
        target = Target("test", services={"redis": Service("redis", f"127.0.0.1:{port}", control={"docker": name})})
        life = docker("inspect", "-f", "{{.State.StartedAt}}", name)
        for fault in (MemoryStress("redis", share=0.8), CPU):
            change = planned(fault, target)
            carry_out(change.do)
            assert eventually(partial(so, change.bites)), [str(one) for one in change.bites]
            pid = int(docker("inspect", "-f", "{{.State.Pid}}", name))
            for controller in ("memory", "cpu"):
                assert _cgroups.group_of(stressors(change)[0].pid, controller) == _cgroups.group_of(pid, controller)
            by_shell(change.undo)
            assert restore(change, print, 20) and not stressors(change)
        assert pings(port) and docker("inspect", "-f", "{{.State.StartedAt}}", name) == life
