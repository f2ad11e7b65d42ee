"""The embedded proxy where its process may open no more files: what looks after toxics goes on all the same."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.contract.fault_proxies import Client, EchoServer, FaultProxy, eventually, missing
from tests.contract.test_proxy_conformance import echo

__all__ = ["echo"]

FILES = 120
# More connections than that leave files for: each takes two.
CROWD = 100


@pytest.fixture(params=["embedded", "embedded-uvloop"])
def proxy(request: pytest.FixtureRequest) -> Iterator[FaultProxy]:
    if reason := missing(request.param):
        pytest.skip(reason)
    own = FaultProxy(request.param, wrap=("sh", "-c", f'ulimit -n {FILES}; exec "$@"', "sh"))
    yield own
    own.close()


@contextlib.contextmanager
def crowd(port: int) -> Iterator[list[Client]]:
    """As many open connections as come about, one after the other; those beyond are told so at once."""
    with contextlib.ExitStack() as stack:
        clients = []
        for _ in range(CROWD):
            with contextlib.suppress(ConnectionError):  # a reset may be here before `connect` has come back
                client = stack.enter_context(Client(port))
                client.send(b"ping")
                if client.receive(4):
                    clients.append(client)
        yield clients


def names(proxy: FaultProxy) -> list[str]:
    return [toxic["name"] for toxic in proxy.call("GET", "/proxies/p/toxics", timeout_s=5).json()]


def test_a_crowd_of_connections_leaves_the_api_what_it_needs_to_take_a_toxic_away(
    proxy: FaultProxy, echo: EchoServer
) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("latency", {"latency": 5})
    with crowd(port) as clients:
        assert 20 <= len(clients) <= FILES // 2
        assert proxy.call("DELETE", "/proxies/p/toxics/latency_downstream", timeout_s=5).status_code == 204
        for client in clients:
            client.echo_s()
    assert eventually(lambda: 'open_connections{proxy="p"} 0.0' in proxy.call("GET", "/metrics").text)
    with Client(port) as again:
        again.echo_s()


def test_a_crowd_of_connections_neither_ends_a_lease_nor_keeps_one(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        proxy.toxic("noop", name="p", lease={"pid": owner.pid})
        with crowd(port):
            proxy.toxic("slow_close", {}, lease={"seconds": 0.5})
            assert eventually(lambda: names(proxy) == ["noop_downstream"], within_s=5)
        owner.kill()
        owner.wait(10)
        assert eventually(lambda: names(proxy) == [], within_s=5)
