"""The faults of a service against real containers: they bite, and their undo from the ledger's JSON is proved."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from blackstart import controls
from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import Refused
from blackstart.faults.bounce import Bounce
from blackstart.faults.crash import Crash
from blackstart.faults.kill import Kill
from blackstart.faults.pause import Pause
from blackstart.faults.stop import Stop
from blackstart.model.change import Change, Fault
from blackstart.model.target import Service, Target
from tests.docker_engine import docker, redis_container, redis_image
from tests.requirements import require
from tests.services import by_shell, carry_out, eventually, free_port, pings, so

pytestmark = pytest.mark.docker
A_LOOK_S = 10.0  # `docker inspect` takes its time on a busy machine
FAULTS = [Stop("redis"), Kill("redis"), Crash("redis"), Pause("redis"), Bounce("redis", 300)]


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Target, str, int]]:
    """A compose service in a target, its container's name and its port."""
    require("docker")
    project = f"p{uuid.uuid4().hex[:8]}"
    with redis_container(f"{project}-redis", compose=(project, "cache")) as (name, port):
        control = {"compose": "cache", "project": project}
        yield Target("test", services={"redis": Service("redis", f"127.0.0.1:{port}", control=control)}), name, port


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.describe())
def test_it_bites_and_its_undo_from_the_ledgers_json_is_proved(made: tuple[Target, str, int], fault: Fault) -> None:
    if isinstance(fault, Crash):
        require("root")
    target, _, port = made
    (planned,) = fault.plan(target)
    change = from_data(json.loads(json.dumps(to_data(planned))))
    assert isinstance(change, Change) and change == planned
    carry_out(change.rights + change.undo)
    assert so(change.gone, A_LOOK_S) and not so(change.bites, A_LOOK_S)
    carry_out(change.do)
    assert eventually(lambda: so(change.bites)), [str(condition) for condition in change.bites]
    by_shell(change.undo)
    assert eventually(lambda: so(change.gone))
    assert pings(port)


def test_a_container_that_somebody_else_stopped_is_refused(made: tuple[Target, str, int]) -> None:
    target, name, _ = made
    docker("stop", name)
    try:
        with pytest.raises(Refused, match="Not started: redis is stopped"):
            Stop("redis").plan(target)
    finally:
        docker("start", name)


def test_a_crash_without_a_restart_policy_is_refused() -> None:
    require("docker")
    with redis_container(restart="no") as (name, port):
        service = Service("redis", f"127.0.0.1:{port}", control={"docker": name})
        with pytest.raises(Refused, match="nothing would bring redis back"):
            Crash("redis").plan(Target("test", services={"redis": service}))


def test_a_task_of_an_orchestrator_is_refused_before_anything_is_touched() -> None:
    require("docker")
    with redis_container(labels=("com.hashicorp.nomad.alloc_id=5f1c", "a.label=b")) as (name, port):
        target = Target("test", services={"redis": Service("redis", f"127.0.0.1:{port}", control={"docker": name})})
        for fault in FAULTS:
            with pytest.raises(Refused, match="belongs to Nomad .its label com.hashicorp.nomad.alloc_id"):
                fault.plan(target)
        assert pings(port)


def test_a_container_known_by_its_id_alone_is_broken_and_mended_under_the_same_lock() -> None:
    require("docker")
    with redis_container() as (name, port):
        whole = docker("inspect", "-f", "{{.Id}}", name)
        for known in (whole, whole[:12], f"/{name}"):
            service = Service("redis", f"127.0.0.1:{port}", control={"container": known})
            (change,) = Stop("redis").plan(Target("test", services={"redis": service}))
            assert controls.resolved(service).identity() == f"docker:{whole[:12]}"
            carry_out(change.do)
            assert eventually(lambda change=change: so(change.bites))
            by_shell(change.undo)
            assert eventually(lambda change=change: so(change.gone))


def test_a_container_that_its_end_would_remove_is_never_ended() -> None:
    require("docker")
    name, port = f"blackstart-{uuid.uuid4().hex[:8]}", free_port()
    docker("run", "-d", "--rm", "--name", name, "-p", f"127.0.0.1:{port}:6379", redis_image())
    try:
        assert eventually(lambda: pings(port), 20)
        target = Target("test", services={"redis": Service("redis", f"127.0.0.1:{port}", control={"docker": name})})
        for fault in (Stop("redis"), Kill("redis"), Bounce("redis", 300)):
            with pytest.raises(Refused, match="could not be started again once it has ended.*--rm"):
                fault.plan(target)
        assert Pause("redis").plan(target)
        assert pings(port)
    finally:
        docker("rm", "-f", name)


def test_a_container_whose_network_others_live_in_is_not_ended_unless_they_are_named() -> None:
    require("docker")
    with redis_container() as (name, port):
        service = Service("redis", f"127.0.0.1:{port}", control={"docker": name})
        target = Target("test", services={"redis": service})
        assert Stop("redis").plan(target)
        guest = f"{name}-guest"
        docker("run", "-d", "--name", guest, "--network", f"container:{name}", redis_image(), "--port", "6380")
        try:
            with pytest.raises(Refused, match=f"{guest} would be left broken.*--allow {guest}"):
                Stop("redis").plan(target)
            assert Stop("redis").plan(replace(target, allow=(guest,))) and Pause("redis").plan(target)
        finally:
            docker("rm", "-f", guest)
