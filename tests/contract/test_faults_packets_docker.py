"""Queues in the network of a real container: its packets alone are slowed down, and nothing of ours outlives it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.faults.tbf import Tbf
from blackstart.model.change import Change
from blackstart.model.target import Service, Target
from blackstart.safety.heal.restore import is_gone, restore
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.preflight.rehearsal import rehearse
from tests.contract.network_runs import NetworkRun
from tests.docker_engine import docker, redis_container
from tests.netns import sh
from tests.requirements import require
from tests.services import by_shell, carry_out, eventually, pings, so

pytestmark = [pytest.mark.docker, pytest.mark.root]


def queues(name: str) -> str:
    pid = docker("inspect", "--format", "{{.State.Pid}}", name)
    return sh("nsenter", "-t", pid, "-n", "tc", "qdisc", "show", "dev", "eth0")


def planned(name: str, port: int) -> Change:
    service = Service("redis", address=f"127.0.0.1:{port}", control={"docker": name})
    (change,) = Tbf("redis", 100).plan(Target("test", services={"redis": service}))
    again = from_data(json.loads(json.dumps(to_data(change))))
    assert isinstance(again, Change) and again == change
    return again


def test_a_containers_wire_is_narrowed_from_outside_and_let_be_again() -> None:
    require("root", "docker")
    with redis_container() as (name, port):
        before = queues(name)
        change = planned(name, port)
        rehearse([change])
        assert queues(name) == before
        carry_out(change.do)
        assert "tbf" in queues(name)
        assert eventually(lambda: so(change.bites), 30), [str(one) for one in change.bites]
        assert restore(change, print, 20)
        assert queues(name) == before and pings(port)
        carry_out(change.do)
        by_shell(change.undo)
        by_shell(change.undo)
        assert queues(name) == before


def test_a_container_that_was_restarted_or_removed_has_taken_the_queue_along() -> None:
    require("root", "docker")
    with redis_container() as (name, port):
        change = planned(name, port)
        carry_out(change.do)
        docker("restart", "-t", "1", name)
        assert eventually(lambda: pings(port), 20)
        by_shell(change.undo)
        assert eventually(lambda: is_gone(change))
        docker("stop", "-t", "1", name)
        by_shell(change.undo)
        docker("rm", "-f", name)
        by_shell(change.undo)
        carry_out(change.undo)


def test_a_killed_run_leaves_no_queue_in_the_container(tmp_path: Path) -> None:
    require("root", "docker")
    with redis_container() as (name, port):
        before = queues(name)
        service = {"address": f"127.0.0.1:{port}", "dsn": f"redis://127.0.0.1:{port}", "control": {"docker": name}}
        run = NetworkRun(tmp_path, Tbf("redis", 100), {"services": {"redis": service}}, hold_s=60)
        run.wait_for("the fault bites")
        assert "tbf" in queues(name)
        run.kill()
        assert eventually(lambda: queues(name) == before, 20) and run.guardian_gone()
        assert Ledger().outstanding() == [] and pings(port)
