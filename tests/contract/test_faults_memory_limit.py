"""Limits of memory on real control groups: the kernel has them, and the former value comes back exactly."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import Refused
from blackstart.faults import _cgroups
from blackstart.faults.memory_limit import MemoryLimit
from blackstart.model.change import Change
from blackstart.model.target import Service, Target
from blackstart.safety.heal.restore import is_gone, restore
from blackstart.safety.preflight.rehearsal import rehearse
from tests.docker_engine import docker, redis_container
from tests.requirements import require
from tests.services import by_shell, carry_out, eventually, free_port, pings, redis_server, so

pytestmark = pytest.mark.root
MB = 1024 * 1024
FAULT = MemoryLimit("redis", 96)


def planned(where: Target, fault: MemoryLimit = FAULT) -> Change:
    """The fault's change, as the guardian reads it from the ledger."""
    (change,) = fault.plan(where)
    again = from_data(json.loads(json.dumps(to_data(change))))
    assert isinstance(again, Change) and again == change
    return again


def target(port: int, control: dict[str, object]) -> Target:
    return Target("test", services={"redis": Service("redis", f"127.0.0.1:{port}", control=control)})


def bites_and_is_undone(where: Target, limit: Path) -> None:
    former = limit.read_text()
    change = planned(where)
    rehearse([change])
    assert limit.read_text() == former
    carry_out(change.do)
    assert eventually(lambda: so(change.bites)), [str(one) for one in change.bites]
    assert int(limit.read_text()) == 96 * MB and not is_gone(change)
    by_shell(change.undo)
    by_shell(change.undo)
    assert restore(change, print, 20) and limit.read_text() == former


@pytest.mark.docker
@pytest.mark.parametrize("given", [(), ("128m", "256m")], ids=["unlimited", "limited"])
def test_a_container_is_limited_and_has_its_former_limit_again(given: tuple[str, ...]) -> None:
    require("root", "docker")
    with redis_container() as (name, port):
        if given:
            docker("update", "--memory", given[0], "--memory-swap", given[1], name)
        form = "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.State.StartedAt}}"
        before = docker("inspect", "-f", form, name)
        group = _cgroups.group_of(docker("inspect", "-f", "{{.State.Pid}}", name), "memory")
        assert group is not None
        where = target(port, {"docker": name})
        if given:
            with pytest.raises(Refused, match="is limited to 128 MB already: give less"):
                planned(where, MemoryLimit("redis", 128))
            change = planned(where)
            carry_out(change.do)
            assert docker("inspect", "-f", "{{.HostConfig.Memory}}", name) == str(96 * MB)
            assert restore(change, print, 20)
        bites_and_is_undone(where, group.limit_file)
        assert docker("inspect", "-f", form, name) == before and pings(port)


@contextlib.contextmanager
def in_group(tmp_path: Path) -> Iterator[tuple[Target, _cgroups.Group]]:
    """A Redis of its own in a control group of its own."""
    ours = _cgroups.group_of("self", "memory")
    if ours is None or not os.access(ours.folder, os.W_OK):
        pytest.skip("no control group for memory can be made here")
    group = _cgroups.Group(ours.folder / f"blackstart-test-{os.getpid()}", ours.top, ours.unified)
    group.folder.mkdir()
    port, pidfile = free_port(), tmp_path / "redis.pid"
    words = [redis_server(), "--port", str(port), "--save", ""]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        if not group.limit_file.exists():
            pytest.skip("the controller of memory is not passed on to groups below ours")
        pidfile.write_text(f"{server.pid}\n")
        group.members.write_text(str(server.pid))
        assert eventually(lambda: pings(port))
        yield target(port, {"pidfile": str(pidfile), "start": words}), group
    finally:
        server.kill()
        server.wait(timeout=10)
        assert eventually(lambda: not group.members.exists() or not group.members.read_text())
        group.folder.rmdir()


def test_a_process_in_a_group_of_its_own_is_limited(tmp_path: Path) -> None:
    require("root", "proc")
    with in_group(tmp_path) as (where, group):
        bites_and_is_undone(where, group.limit_file)


def test_what_uses_more_by_now_or_lives_with_others_is_refused(tmp_path: Path) -> None:
    require("root", "proc")
    with in_group(tmp_path) as (where, group):
        ballast = subprocess.Popen(["sleep", "60"])
        try:
            group.members.write_text(str(ballast.pid))
            with pytest.raises(Refused, match=rf"shares its control group with other processes \({ballast.pid}\)"):
                planned(where)
        finally:
            ballast.kill()
            ballast.wait(timeout=10)
        with contextlib.closing(redis.Redis(port=int(where.services["redis"].address.split(":")[1]))) as client:
            client.set("ballast", b"x" * (40 * MB))
        with pytest.raises(Refused, match=r"redis uses \d+ MB already: limited to 32 MB it would end at once"):
            planned(where, MemoryLimit("redis", 32))


def test_a_service_in_the_group_of_all_others_is_refused(tmp_path: Path) -> None:
    port, pidfile = free_port(), tmp_path / "redis.pid"
    server = subprocess.Popen([redis_server(), "--port", str(port), "--save", ""], stdout=subprocess.DEVNULL)
    try:
        pidfile.write_text(f"{server.pid}\n")
        assert eventually(lambda: pings(port))
        with pytest.raises(Refused, match="has no control group of its own whose memory could be limited"):
            planned(target(port, {"pidfile": str(pidfile), "start": ["true"]}))
    finally:
        server.kill()
        server.wait(timeout=10)
    with pytest.raises(ValueError, match="at least 6"):
        MemoryLimit("redis", 5)
