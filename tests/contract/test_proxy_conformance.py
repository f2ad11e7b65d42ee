"""What both fault proxies must do: the embedded one, on either event loop, and the real Toxiproxy.

Where the two differ on purpose, see `test_proxy_beyond_toxiproxy.py`.
"""

import select
import socket
import threading
from collections.abc import Iterator
from hashlib import sha256
from itertools import count

import pytest
import requests

from tests.contract.fault_proxies import KINDS, Client, EchoServer, FaultProxy, eventually, missing, refused
from tests.requirements import require

LATE_S = 1.0  # how late a loaded machine may be; early is never allowed


@pytest.fixture(
    params=[pytest.param(kind, marks=pytest.mark.toxiproxy if kind == "toxiproxy" else ()) for kind in KINDS],
    scope="module",
)
def process(request: pytest.FixtureRequest) -> Iterator[FaultProxy]:
    if request.param == "toxiproxy":
        require("toxiproxy")
    if reason := missing(request.param):
        pytest.skip(reason)
    proxy = FaultProxy(request.param)
    yield proxy
    assert proxy.alive()
    proxy.close()


@pytest.fixture
def proxy(process: FaultProxy) -> Iterator[FaultProxy]:
    yield process
    for name in process.call("GET", "/proxies").json():
        assert process.call("DELETE", f"/proxies/{name}").status_code == 204


@pytest.fixture
def echo() -> Iterator[EchoServer]:
    server = EchoServer()
    yield server
    server.close()


# ---------------------------------------------------------------- the API


def test_a_proxy_lives_through_its_routes(proxy: FaultProxy) -> None:
    made = proxy.call("POST", "/proxies", {"name": "p", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1"})
    shown = made.json()
    assert (made.status_code, shown["enabled"], shown["toxics"]) == (201, True, [])
    assert shown["upstream"] == "127.0.0.1:1"
    assert not shown["listen"].endswith(":0")
    assert proxy.call("GET", "/proxies").json() == {"p": shown}
    assert proxy.call("GET", "/proxies/p").json() == shown
    for method, enabled in (("POST", False), ("PATCH", True)):
        changed = proxy.call(method, "/proxies/p", {"enabled": enabled, "name": "ignored"})
        assert (changed.status_code, changed.json()) == (200, {**shown, "enabled": enabled})
    gone = proxy.call("DELETE", "/proxies/p")
    assert (gone.status_code, gone.content) == (204, b"")
    assert proxy.call("GET", "/proxies").json() == {}


def test_a_toxic_lives_through_its_routes(proxy: FaultProxy) -> None:
    proxy.proxy_to(1)
    body = {"type": "latency", "attributes": {"latency": 100}}
    made = proxy.call("POST", "/proxies/p/toxics", body)
    expected = {
        "name": "latency_downstream",
        "type": "latency",
        "stream": "downstream",
        "toxicity": 1,
        "attributes": {"latency": 100, "jitter": 0},
    }
    assert (made.status_code, made.json()) == (200, expected)
    assert proxy.call("GET", "/proxies/p/toxics").json() == [expected]
    assert proxy.call("GET", "/proxies/p").json()["toxics"] == [expected]
    assert proxy.call("GET", "/proxies/p/toxics/latency_downstream").json() == expected
    for method, jitter in (("POST", 5), ("PATCH", 7)):
        change = {"attributes": {"jitter": jitter}, "toxicity": 0.5}
        changed = proxy.call(method, "/proxies/p/toxics/latency_downstream", change)
        expected |= {"toxicity": 0.5, "attributes": {"latency": 100, "jitter": jitter}}
        assert (changed.status_code, changed.json()) == (200, expected)
    gone = proxy.call("DELETE", "/proxies/p/toxics/latency_downstream")
    assert (gone.status_code, gone.content) == (204, b"")
    assert proxy.call("GET", "/proxies/p/toxics").json() == []


ERRORS = [
    ("POST", "/proxies", [], 400, "bad request body"),
    ("POST", "/proxies", {"upstream": "127.0.0.1:1"}, 400, "missing required field: name"),
    ("POST", "/proxies", {"name": "q"}, 400, "missing required field: upstream"),
    ("POST", "/proxies", {"name": "p", "upstream": "127.0.0.1:1"}, 409, "proxy already exists"),
    ("POST", "/proxies", {"name": "q", "upstream": "127.0.0.1:1", "enabled": 3}, 400, "bad request body"),
    ("POST", "/populate", {"name": "q"}, 400, "bad request body"),
    ("POST", "/populate", [{"name": "q"}], 400, "missing required field: upstream at proxy 1"),
    ("GET", "/proxies/q", None, 404, "proxy not found"),
    ("POST", "/proxies/q", {}, 404, "proxy not found"),
    ("DELETE", "/proxies/q", None, 404, "proxy not found"),
    ("GET", "/proxies/q/toxics", None, 404, "proxy not found"),
    ("POST", "/proxies/q/toxics", {"type": "noop"}, 404, "proxy not found"),
    ("POST", "/proxies/p/toxics", {"type": "rainy"}, 400, "invalid toxic type"),
    ("POST", "/proxies/p/toxics", {}, 400, "invalid toxic type"),
    ("POST", "/proxies/p/toxics", {"type": "noop", "stream": "sideways"}, 400, "stream was invalid"),
    ("POST", "/proxies/p/toxics", {"type": "noop", "name": "taken"}, 409, "toxic already exists"),
    ("POST", "/proxies/p/toxics", {"type": "latency", "attributes": {"latency": "x"}}, 400, "bad request body"),
    ("POST", "/proxies/p/toxics/taken", {"toxicity": "x"}, 400, "bad request body"),
    ("GET", "/proxies/p/toxics/q", None, 404, "toxic not found"),
    ("POST", "/proxies/p/toxics/q", {}, 404, "toxic not found"),
    ("DELETE", "/proxies/p/toxics/q", None, 404, "toxic not found"),
]


@pytest.mark.parametrize("case", ERRORS, ids=lambda case: f"{case[0]} {case[1]}: {case[4]}")
def test_an_error_has_its_status_and_its_words(proxy: FaultProxy, case: tuple[str, str, object, int, str]) -> None:
    method, path, body, status, error = case
    proxy.proxy_to(1)
    proxy.call("POST", "/proxies/p/toxics", {"type": "noop", "name": "taken"})
    answer = proxy.call(method, path, body)
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.json()["error"].startswith(error)
    if not path.startswith("/populate"):
        assert answer.headers["Content-Type"].startswith("text/plain")


def test_a_taken_port_is_a_server_error_that_leaves_no_proxy(proxy: FaultProxy, echo: EchoServer) -> None:
    body = {"name": "q", "listen": f"127.0.0.1:{echo.port}", "upstream": "127.0.0.1:1"}
    answer = proxy.call("POST", "/proxies", body)
    assert answer.status_code == 500
    assert "bind: address already in use" in answer.json()["error"]
    assert proxy.call("GET", "/proxies/q").status_code == 404


def test_a_browser_and_a_wrong_method_are_turned_away(proxy: FaultProxy) -> None:
    answer = requests.get(f"{proxy.url}/proxies", headers={"User-Agent": "Mozilla/5.0"}, timeout=5)
    assert answer.status_code == 403
    assert proxy.call("PUT", "/proxies").status_code == 405


def test_populate_makes_what_is_missing_and_leaves_the_rest_alone(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("noop")
    with Client(port) as client:
        client.echo_s()
        same = {"name": "p", "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{echo.port}"}
        new = {"name": "q", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1", "enabled": False}
        answer = proxy.call("POST", "/populate", [same, new])
        assert answer.status_code == 201
        assert [(one["name"], one["enabled"]) for one in answer.json()["proxies"]] == [("p", True), ("q", False)]
        assert len(proxy.call("GET", "/proxies/p/toxics").json()) == 1
        client.echo_s()
    moved = proxy.call("POST", "/populate", [{**same, "upstream": "127.0.0.1:2"}])
    assert moved.json()["proxies"][0]["upstream"] == "127.0.0.1:2"
    assert moved.json()["proxies"][0]["toxics"] == []


def test_reset_enables_every_proxy_and_removes_every_toxic(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.proxy_to(echo.port, "q")
    proxy.toxic("latency", {"latency": 60_000})
    proxy.call("POST", "/proxies/p", {"enabled": False})
    answer = proxy.call("POST", "/reset")
    assert (answer.status_code, answer.content) == (204, b"")
    assert all(one["enabled"] and not one["toxics"] for one in proxy.call("GET", "/proxies").json().values())
    with Client(port) as client:
        assert client.echo_s() < LATE_S


def test_the_version_is_one_that_clients_know(proxy: FaultProxy) -> None:
    answer = proxy.call("GET", "/version")
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json()["version"].startswith("git" if proxy.real else "2.")  # `go install` builds call it "git"


def test_metrics_count_the_bytes_of_each_direction(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    with Client(port) as client:
        client.echo_s(b"x" * 1000)
    for name in ("received", "sent"):
        assert eventually(lambda name=name: proxy.carried_bytes(port, name, "upstream") == 1000)
        # The echo may have said "bye" in time; Toxiproxy counts each direction when it ends.
        assert eventually(lambda name=name: proxy.carried_bytes(port, name, "downstream") in (1000, 1003))


# ---------------------------------------------------------------- proxies and their connections


def test_bytes_pass_unchanged_both_ways(proxy: FaultProxy, echo: EchoServer) -> None:
    payload = bytes(range(256)) * 40_000
    with Client(proxy.proxy_to(echo.port)) as client:
        sender = threading.Thread(target=client.send, args=(payload,))
        sender.start()
        assert client.receive(len(payload)) == payload
        sender.join(10)


class Pipe:
    """One direction of a connection whose reader is slow: what was sent, what was read, and the hashes of both."""

    def __init__(self, sender: socket.socket, reader: socket.socket) -> None:
        self.sender, self.reader = sender, reader
        self.blocks = (number.to_bytes(8, "big") * 8_000 for number in count())
        self.rest = memoryview(b"")
        self.sent_bytes = self.read_bytes = 0
        self.sent, self.read = sha256(), sha256()

    def fill(self) -> None:
        """Send until every buffer on the way is full, that is until none has room for a while."""
        self.sender.setblocking(False)
        while select.select([], [self.sender], [], 0.3)[1]:
            self.rest = self.rest or memoryview(next(self.blocks))
            taken = self.sender.send(self.rest)
            self.sent.update(self.rest[:taken])
            self.sent_bytes, self.rest = self.sent_bytes + taken, self.rest[taken:]

    def drain(self, size: int) -> None:
        """Read so many bytes, in pieces that fit nothing."""
        self.reader.settimeout(10)
        while size and (piece := self.reader.recv(min(size, 9_973))):
            self.read.update(piece)
            self.read_bytes, size = self.read_bytes + len(piece), size - len(piece)


def test_megabytes_before_slow_readers_arrive_whole_and_in_order(proxy: FaultProxy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = Client(proxy.proxy_to(listener.getsockname()[1])).socket
        server, _ = listener.accept()
    with client, server:
        pipes = Pipe(client, server), Pipe(server, client)
        for _ in range(3):  # what is sent anew follows what still waits
            for pipe in pipes:
                pipe.fill()
            for pipe in pipes:
                pipe.drain((pipe.sent_bytes - pipe.read_bytes) // 2)
        for pipe in pipes:
            pipe.drain(pipe.sent_bytes - pipe.read_bytes)
            assert pipe.sent_bytes > 1_000_000
            assert (pipe.read_bytes, pipe.read.digest()) == (pipe.sent_bytes, pipe.sent.digest())


def test_disabling_cuts_and_refuses_and_enabling_brings_the_port_back(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    for _ in range(5):
        with Client(port) as client:
            client.echo_s()
            proxy.call("POST", "/proxies/p", {"enabled": False})
            assert client.fate() in ("closed", "reset")
        assert refused(port)
        shown = proxy.call("POST", "/proxies/p", {"enabled": True}).json()
        assert shown["listen"] == f"127.0.0.1:{port}"


def test_a_deleted_proxy_cuts_and_refuses(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    with Client(port) as client:
        client.echo_s()
        proxy.call("DELETE", "/proxies/p")
        assert client.fate() in ("closed", "reset")
    assert refused(port)


def test_an_upstream_that_is_not_there_closes_the_connection(proxy: FaultProxy) -> None:
    with Client(proxy.proxy_to(1)) as client:
        assert client.fate() in ("closed", "reset")


def test_a_moved_upstream_is_used_and_old_connections_are_cut(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(1)
    proxy.call("POST", "/proxies/p", {"upstream": f"127.0.0.1:{echo.port}"})
    proxy.call("POST", "/proxies/p", {"enabled": True})
    with Client(port) as client:
        client.echo_s()
    assert echo.accepted == 1


@pytest.mark.parametrize("enabled", [True, False])
def test_a_port_is_kept_when_only_its_host_changes(proxy: FaultProxy, echo: EchoServer, enabled: bool) -> None:
    port = proxy.proxy_to(echo.port)
    moved = proxy.call("POST", "/proxies/p", {"listen": f"0.0.0.0:{port}", "enabled": enabled})
    assert (moved.status_code, moved.json()["enabled"]) == (200, enabled)
    proxy.call("POST", "/proxies/p", {"enabled": True})
    with socket.create_connection(("127.0.0.2", port), 5) as client:
        client.sendall(b"ping")
        assert client.recv(4) == b"ping"


def test_the_end_of_one_side_reaches_the_other(proxy: FaultProxy, echo: EchoServer) -> None:
    with Client(proxy.proxy_to(echo.port)) as client:
        client.echo_s()
    assert eventually(lambda: echo.ended + echo.reset == 1)
