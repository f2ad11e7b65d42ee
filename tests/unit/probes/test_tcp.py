"""TCP probes against real sockets."""

import json
import socket
import time

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BadTarget
from blackstart.base.sockets import Deadline, NoAnswer, connect, parse_address
from blackstart.model.target import Target
from blackstart.probes.read import read_once
from blackstart.probes.tcp import Tcp
from tests.unit.probes.servers import free_port, serving, target_on


def test_open_port_is_open_and_closed_port_is_unreachable() -> None:
    with serving(lambda conn: None) as port:
        probe = Tcp("redis").bind(target_on(port))
        assert read_once(probe, 2.0).value == "open"
    assert read_once(probe, 2.0).kind == "unreachable"


def test_port_is_open_while_its_server_never_accepts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen:
        probe = Tcp(address=f"127.0.0.1:{frozen.getsockname()[1]}")
        assert read_once(probe, 2.0).value == "open"


def test_full_queue_of_connections_is_timed_out_within_the_limit() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as frozen:
        port = frozen.getsockname()[1]
        held = []
        for _ in range(3):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
            held.append(sock)
        begun = time.monotonic()
        assert read_once(Tcp(address=f"127.0.0.1:{port}"), 0.3).kind == "timed_out"
        assert time.monotonic() - begun < 5
        for sock in held:
            sock.close()


def test_connection_to_ourselves_is_unreachable() -> None:
    # Where nothing listens, the kernel can give a client the very port that it connects to.
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        sock.connect(("127.0.0.1", port))
        assert sock.getsockname() == sock.getpeername()
    original = socket.socket.connect

    def to_itself(self: socket.socket, address: tuple[str, int]) -> None:
        self.bind(("127.0.0.1", 0))
        original(self, self.getsockname())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", to_itself)
        with pytest.raises(NoAnswer) as caught:
            connect("127.0.0.1", port, Deadline(1))
    assert caught.value.kind == "unreachable"


def test_ipv6_address_is_read() -> None:
    with serving(lambda conn: None, host="::1") as port:
        assert read_once(Tcp(address=f"[::1]:{port}"), 2.0).value == "open"


@pytest.mark.parametrize("address", ["localhost", "localhost:", ":6379", "h:0", "h:65536", "h:x"])
def test_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(BadTarget, match="host:port"):
        parse_address(address)


def test_service_without_an_address_is_refused() -> None:
    target = Target("t", services={"redis": target_on(free_port()).services["redis"]})
    with pytest.raises(BadTarget, match="no service"):
        Tcp("postgres").bind(target)


def test_probe_comes_back_from_json_equal() -> None:
    bound = Tcp("redis").bind(target_on(6379))
    assert from_data(json.loads(json.dumps(to_data(bound)))) == bound
    assert bound.name == "port of redis"
