"""Proofs of the link: orders that the API and the database both know."""

import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from blackstart.base.codec import plain
from blackstart.base.errors import NotAvailable
from blackstart.model import protocols
from blackstart.model.control import State
from blackstart.model.target import Service, Target
from blackstart.probes.http import HttpText
from blackstart.probes.sql import SqlScalar
from blackstart.safety.preflight.link_proofs import AllOf, KeysInDatabase, ServedByControl
from tests.unit.probes.servers import answering, http, serving, target_on


@plain
class Told:
    service: str
    text: str

    def bind(self, target: object) -> "Told":
        return self

    def missing(self) -> str:
        return self.text


def test_all_proofs_must_stand() -> None:
    assert AllOf("redis", (Told("redis", ""), Told("redis", ""))).missing() == ""
    assert AllOf("redis", (Told("redis", "a"), Told("redis", ""), Told("redis", "b"))).missing() == "a; b"


@pytest.mark.parametrize(
    ("orders", "said"),
    [
        (b'{"orders": []}', "no orders yet"),
        (b'{"orders": [{"client_order_id": null}]}', "no orders yet"),
        (b"<html>", "no orders that can be read"),
        (b'{"orders": [{"id": 1}]}', "no orders that can be read"),
        (b'{"orders": [{"client_order_id": "a"}]}', "the database holds unreachable"),
    ],
)
def test_orders_that_are_not_shown_or_not_found_prove_nothing(orders: bytes, said: str) -> None:
    with serving(answering(http(orders))) as port:
        asked = SqlScalar("", dsn="postgresql://me@127.0.0.1:9/x")
        proof = KeysInDatabase("postgres", HttpText("/orders"), asked).bind(target_on(port))
        assert said in proof.missing()


@dataclass
class Controlled:
    """The control of a process by its pid."""

    pid: int
    by_hand: bool = False

    def reach(self) -> str:
        return ""

    def not_at(self, hosts: object, port: int) -> str:
        raise NotAvailable("no container")

    def read_state(self) -> State:
        return State("running", pid=self.pid)


def served(port: int, pid: int) -> str:
    places = tuple(protocols.places_of(Service("redis", dsn=f"redis://127.0.0.1:{port}/0")))
    return ServedByControl("redis", places, Controlled(pid)).missing()


def test_a_child_that_ends_while_it_is_looked_at_proves_nothing_of_who_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the sessions of a database do, all the time."""

    class Ended:
        def net_connections(self, kind: str) -> list[object]:
            raise psutil.NoSuchProcess(1)

    monkeypatch.setattr(psutil.Process, "children", lambda self, recursive=False: [Ended()])
    command = [sys.executable, "-c", "input()"]
    with socket.create_server(("127.0.0.1", 0)) as ours, subprocess.Popen(command, stdin=subprocess.PIPE) as other:
        port = ours.getsockname()[1]
        told = served(port, other.pid)
        assert f"port {port} is served by process {os.getpid()}, not by {other.pid}" in told
        assert served(port, os.getpid()) == ""
        other.communicate()
        assert f"process {other.pid}, the redis that would be touched, has just ended" in served(port, other.pid)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("postgresql:///x?host={}&port=5433&user=u", id="05-unix-socket-dsn"),
        pytest.param("host={} port=5433", id="05-unix-socket-dsn-in-words"),
    ],
)
def test_a_database_by_its_socket_is_the_one_that_its_control_would_touch(tmp_path: Path, written: str) -> None:
    """As two clusters on one machine have it: the socket is one's, and the control the other's."""

    def served_to(pid: int) -> str:
        (tmp_path / "pid").write_text(str(pid))
        control = {"pidfile": str(tmp_path / "pid"), "start": ["true"]}
        database = Service("postgres", dsn=written.format(tmp_path), control=control)
        return ServedByControl("postgres").bind(Target("t", services={"postgres": database})).missing()

    path = tmp_path / ".s.PGSQL.5433"
    command = [sys.executable, "-c", "input()"]
    with socket.socket(socket.AF_UNIX) as ours, subprocess.Popen(command, stdin=subprocess.PIPE) as other:
        assert served_to(other.pid) == ""  # nobody is there who could be another
        ours.bind(str(path))
        ours.listen()
        assert served_to(os.getpid()) == ""
        told = (
            f"socket {path} is served by process {os.getpid()}, not by {other.pid}, the postgres that would be touched"
        )
        assert served_to(other.pid) == told
        other.communicate()
