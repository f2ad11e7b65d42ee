"""Connections of the target's API, seen from both ends."""

import json
import socket

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.sockets import NoAnswer
from blackstart.probes.clients import TargetConnections, is_here, peers_in, sockets_of_listener
from blackstart.probes.read import read_once
from blackstart.probes.redis_value import RedisCommand
from tests.unit.probes.servers import answering, free_port, http, serving, target_on

CLIENT_LIST = """id=3 addr=127.0.0.1:50312 laddr=127.0.0.1:6379 fd=8 name= age=5 idle=0 flags=N db=0 sub=0
id=4 addr=[::1]:50400 laddr=[::1]:6379 fd=9 name=x:1 age=5
id=5 addr=::ffff:10.0.0.7:40000 laddr=10.0.0.1:6379"""


def test_clients_are_found_in_either_form_and_the_servers_own_end_is_not_one() -> None:
    assert peers_in(CLIENT_LIST) == {("127.0.0.1", 50312), ("::1", 50400), ("10.0.0.7", 40000)}
    assert peers_in("127.0.0.1:1 ::1:2") == {("127.0.0.1", 1), ("::1", 2)}
    assert peers_in("") == set()


HERE = ("localhost", "127.0.0.2", "::1", "::ffff:127.0.0.1")
ELSEWHERE = ("10.0.0.1", "db.example.org", "")


@pytest.mark.parametrize(("host", "here"), [*((host, True) for host in HERE), *((host, False) for host in ELSEWHERE)])
def test_only_loopback_is_this_machine(host: str, here: bool) -> None:
    assert is_here(host) is here


def hold(conn: socket.socket) -> None:
    conn.recv(1)


def test_connections_of_a_listener_are_seen() -> None:
    with (
        serving(hold) as server,
        socket.create_server(("127.0.0.1", 0)) as api,
        socket.create_connection(("127.0.0.1", server)) as out,
    ):
        ends, containers = sockets_of_listener(api.getsockname()[1])
        assert out.getsockname() in ends
        assert containers == set()


def test_port_that_nobody_listens_on_proves_nothing() -> None:
    with pytest.raises(NoAnswer, match="no process can be seen"):
        sockets_of_listener(free_port())


def test_client_of_the_server_that_is_our_api_is_counted_and_a_stranger_is_not() -> None:
    """This process is the API (it listens) and the client; the "Redis" lists whom it is told to."""
    listed: list[bytes] = []

    def redis(conn: socket.socket) -> None:
        while data := conn.recv(4096):
            for _ in range(data.count(b"CLIENT LIST") or data.count(b"\r\n$") and 1):
                text = b"" if b"LIST" not in data else b" ".join(listed)
                conn.sendall(b"+OK\r\n" if b"LIST" not in data else b"$%d\r\n%s\r\n" % (len(text), text))

    with (
        serving(answering(http(b"{}"))) as api,
        serving(redis) as port,
        socket.create_connection(("127.0.0.1", port)) as ours,
    ):
        command = RedisCommand(("CLIENT", "LIST"), field="addr", dsn=f"redis://127.0.0.1:{port}")
        probe = TargetConnections(command).bind(target_on(api))
        listed[:] = [b"id=1 addr=127.0.0.1:1 name=\n"]
        assert read_once(probe, 2.0).value == 0
        listed[:] = [b"id=1 addr=127.0.0.1:%d name=\n" % ours.getsockname()[1]]
        assert read_once(probe, 2.0).value == 1


def test_api_on_another_machine_can_not_be_proved_this_way() -> None:
    probe = TargetConnections(RedisCommand(("CLIENT", "LIST"), dsn="redis://h"), host="10.9.9.9", port=80)
    reading = read_once(probe, 1.0)
    assert reading.kind == "unreadable"
    assert "another machine" in reading.note


def test_probe_comes_back_from_json_equal() -> None:
    bound = TargetConnections(RedisCommand(("CLIENT", "LIST"))).bind(target_on(8000))
    assert from_data(json.loads(json.dumps(to_data(bound)))) == bound
    assert bound.port == 8000
