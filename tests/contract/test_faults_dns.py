"""Names that can't be found any more: in a network namespace, in a container's network, for one user of the machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import Refused
from blackstart.faults.dns_failure import DnsFailure
from blackstart.model.change import Change
from blackstart.model.target import Service, Target
from blackstart.safety.heal.restore import is_gone, restore
from blackstart.safety.preflight.rehearsal import rehearse
from tests.docker_engine import docker, redis_container
from tests.netns import Netns, answers, netns, sh
from tests.requirements import require
from tests.services import by_shell, carry_out, eventually, free_port, pings, redis_server, so

pytestmark = pytest.mark.root
NOBODY = 65534
FAULT = DnsFailure("redis")


def planned(where: Target) -> Change:
    """The fault's change, as the guardian reads it from the ledger."""
    (change,) = FAULT.plan(where)
    again = from_data(json.loads(json.dumps(to_data(change))))
    assert isinstance(again, Change) and again == change
    return again


@pytest.fixture(scope="module")
def space() -> Iterator[Netns]:
    require("root", "netns")
    with netns() as made:
        yield made


def in_space(space: Netns) -> Target:
    service = Service("redis", f"{space.theirs}:{space.port}", dsn="redis://ignored", net={"netns": space.name})
    return Target("test", services={"redis": service})


ASKS = """
import socket, sys
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(5)
try:
    asking.sendto(b"q", ("127.0.0.1", 53))
    sys.exit(asking.recv(10) != b"answer")
except OSError:
    sys.exit(3)
"""


@contextmanager
def name_server(space: Netns) -> Iterator[None]:
    """What answers at port 53 of the namespace, TCP's too."""
    program = (
        "import socket\nserver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nserver.bind(('127.0.0.1', 53))\n"
        "print('up', flush=True)\nwhile True:\n    _, who = server.recvfrom(512)\n    server.sendto(b'answer', who)\n"
    )
    words = ["ip", "netns", "exec", space.name, "python3", "-c", program]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout and server.stdout.readline() == "up\n"
        yield
    finally:
        server.kill()
        server.wait(timeout=10)
        assert server.stdout
        server.stdout.close()


def asks(space: Netns) -> int:
    return subprocess.run(
        ["ip", "netns", "exec", space.name, "python3", "-c", ASKS], timeout=20, check=False
    ).returncode


def test_in_a_namespace_no_name_server_is_reached_and_then_all_are_again(space: Netns) -> None:
    with name_server(space):
        before = space.rules()
        change = planned(in_space(space))
        rehearse([change])
        assert space.rules() == before and asks(space) == 0
        carry_out(change.do)
        assert eventually(lambda: so(change.bites)), [str(one) for one in change.bites]
        assert asks(space) == 3 and not is_gone(change)
        by_shell(change.undo)
        by_shell(change.undo)
        assert restore(change, print, 10)
        assert space.rules() == before and asks(space) == 0


@pytest.mark.docker
def test_a_containers_names_are_lost_in_its_own_network_alone() -> None:
    require("root", "docker")
    with redis_container() as (name, port):
        pid = docker("inspect", "-f", "{{.State.Pid}}", name)

        def rules() -> str:
            return sh("nsenter", "-t", pid, "-n", "iptables", "-S", "OUTPUT")

        before, ours = rules(), sh("iptables", "-S", "OUTPUT")
        where = Target("test", services={"redis": Service("redis", f"127.0.0.1:{port}", control={"docker": name})})
        change = planned(where)
        rehearse([change])
        carry_out(change.do)
        assert eventually(lambda: so(change.bites)), [str(one) for one in change.bites]
        assert "--ctorigdstport 53" in rules() and sh("iptables", "-S", "OUTPUT") == ours and pings(port)
        by_shell(change.undo)
        assert restore(change, print, 10) and rules() == before


@contextmanager
def redis_of(user: int, tmp_path: Path) -> Iterator[Target]:
    """A Redis that runs as that user, in this machine's network, with a process that it has begun."""
    port, pidfile = free_port(), tmp_path / "redis.pid"
    begun = ["sh", "-c", 'tail -f /dev/null & exec "$@"', "redis"]
    words = [*begun, redis_server(), "--port", str(port), "--save", "", "--dir", "/tmp"]
    server = subprocess.Popen(words, stdout=subprocess.DEVNULL, user=user, group=user, extra_groups=[])
    try:
        pidfile.write_text(f"{server.pid}\n")
        assert eventually(lambda: pings(port))
        control = {"pidfile": str(pidfile), "start": words}
        yield Target("test", services={"redis": Service("redis", f"127.0.0.1:{port}", control=control)})
    finally:
        for child in psutil.Process(server.pid).children():
            child.kill()
        server.kill()
        server.wait(timeout=10)


def alone(tmp_path: Path) -> None:
    """In a network where no name is taken from anybody else."""
    with redis_of(NOBODY, tmp_path) as where:
        change = planned(where)
        rehearse([change])
        carry_out(change.do)
        assert eventually(lambda: so(change.bites)), [str(one) for one in change.bites]
        assert f"--uid-owner {NOBODY}" in sh("iptables", "-S", "OUTPUT")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as root:
            root.sendto(b"q", ("127.0.0.1", 53))
        by_shell(change.undo)
        assert restore(change, print, 10) and "53" not in sh("iptables", "-S", "OUTPUT")


def in_company(tmp_path: Path) -> None:
    """Where another process has the same user, in the same network."""
    with redis_of(NOBODY, tmp_path) as where, idle() as other, pytest.raises(Refused) as refused:
        planned(where)
    assert f"shares its user with other processes ({other.pid}) in this machine's network" in str(refused.value)


@contextmanager
def idle() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing, as the user nobody."""
    with subprocess.Popen(["tail", "-f", "/dev/null"], user=NOBODY, group=NOBODY, extra_groups=[]) as made:
        try:
            yield made
        finally:
            made.kill()


@pytest.mark.parametrize("told", [alone, in_company])
def test_one_user_of_the_machine_finds_no_names_and_others_do(
    space: Netns, tmp_path: Path, told: Callable[[Path], None]
) -> None:
    """Whoever else has that user outside this network counts for nothing: PostgreSQL in a lab is nobody's."""
    require("proc")
    code = f"from pathlib import Path; from {__name__} import {told.__name__} as told; told(Path({str(tmp_path)!r}))"
    with idle():
        space.inside(sys.executable, "-c", code)


def test_a_service_in_a_namespace_that_its_target_does_not_name_is_refused(space: Netns, tmp_path: Path) -> None:
    """A rule here would drop nothing of it, and our own query, which is of the same user, would say that it bites."""
    port, pidfile = free_port(), tmp_path / "redis.pid"
    user = ["setpriv", "--reuid=61234", "--regid=61234", "--clear-groups"]  # nobody else has it
    flags = ["--port", str(port), "--bind", "*", "--protected-mode", "no", "--save", "", "--dir", "/tmp"]
    with subprocess.Popen(
        ["ip", "netns", "exec", space.name, *user, redis_server(), *flags], stdout=subprocess.DEVNULL
    ) as server:
        try:
            pidfile.write_text(f"{server.pid}\n")
            assert eventually(lambda: answers(replace(space, port=port)))
            control = {"pidfile": str(pidfile), "start": ["true"]}
            service = Service("redis", f"{space.theirs}:{port}", control=control)
            with pytest.raises(Refused, match=r"runs in a network of its own.*net = \{ netns = "):
                planned(Target("test", services={"redis": service}))
        finally:
            server.kill()


def test_a_service_that_runs_as_root_in_this_machines_network_is_refused(tmp_path: Path) -> None:
    require("root", "proc", "iptables")
    with redis_of(0, tmp_path) as where, pytest.raises(Refused, match="runs as root, .* everything of root's"):
        planned(where)


def test_without_root_or_on_another_machine_it_is_refused(space: Netns, monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service("redis", f"{space.theirs}:{space.port}", net={"host": "ssh://ops@db1"})
    with pytest.raises(Refused, match="its names are taken away on this machine only"):
        planned(Target("test", services={"redis": service}))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Refused, match="iptables needs root"):
        planned(in_space(space))
