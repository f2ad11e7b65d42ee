"""Where the embedded proxy does better: every test states what ours does, and what Toxiproxy 2.12 does instead.

A test that finds Toxiproxy doing better than stated fails, so that the list of its flaws stays true.
"""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.contract.fault_proxies import Client, EchoServer, FaultProxy, eventually, hanging_port
from tests.contract.test_proxy_conformance import LATE_S, echo, process, proxy

__all__ = ["echo", "process", "proxy"]


@pytest.fixture
def victim(process: FaultProxy) -> Iterator[FaultProxy]:
    """A process of its own, for what may kill or block it."""
    own = FaultProxy(process.kind)
    yield own
    own.close()


def answers_in_time(proxy: FaultProxy, method: str, path: str, body: Any = None) -> bool:
    """Whether the API answers within two seconds."""
    try:
        return proxy.call(method, path, body, timeout_s=2).ok
    except requests.Timeout:
        return False


# ---------------------------------------------------------------- an API that never hangs


def test_a_hanging_upstream_does_not_block_the_api(victim: FaultProxy) -> None:
    """Toxiproxy dials in its accept loop: nobody else is accepted, and stopping the proxy waits for the dial."""
    with hanging_port() as upstream:
        port = victim.proxy_to(upstream)
        with Client(port), Client(port):
            assert answers_in_time(victim, "DELETE", "/proxies/p") is not victim.real
            assert answers_in_time(victim, "GET", "/proxies") is not victim.real


def test_a_client_that_does_not_read_does_not_block_the_removal_of_a_toxic(victim: FaultProxy) -> None:
    """Toxiproxy's removal waits until the data under way has been written (#558, #412, #254)."""
    with socket.create_server(("127.0.0.1", 0)) as flood:
        port = victim.proxy_to(flood.getsockname()[1])
        victim.toxic("latency", {"latency": 10})
        with Client(port), flood.accept()[0] as sender:
            sender.settimeout(1)
            with pytest.raises(TimeoutError):
                while True:
                    sender.sendall(bytes(1_000_000))
            assert answers_in_time(victim, "DELETE", "/proxies/p/toxics/latency_downstream") is not victim.real


# ---------------------------------------------------------------- values that are not valid


@pytest.mark.parametrize(
    ("kind", "attributes"), [("bandwidth", {"rate": -1}), ("slicer", {})], ids=["bandwidth -1", "slicer by default"]
)
def test_a_toxic_that_makes_no_sense_is_refused(
    victim: FaultProxy, echo: EchoServer, kind: str, attributes: dict[str, int]
) -> None:
    """Toxiproxy accepts it, and the first byte crashes the whole server (PR #764, #541)."""
    port = victim.proxy_to(echo.port)
    status = victim.call("POST", "/proxies/p/toxics", {"type": kind, "attributes": attributes}).status_code
    with Client(port) as client:
        client.send(bytes(5000))
        client.fate(1)
    if victim.real:
        assert (status, eventually(lambda: victim.process.poll() is not None, 60)) == (200, True)
    else:
        assert (status, victim.alive()) == (400, True)


@pytest.mark.parametrize(
    "body",
    [
        {"type": "latency", "toxicity": 7},
        {"type": "latency", "toxicity": -1},
        {"type": "latency", "attributes": {"latency": -5}},
        {"type": "latency", "attributes": {"latancy": 100}},
    ],
    ids=["toxicity 7", "toxicity -1", "negative latency", "misspelt attribute"],
)
def test_a_value_without_meaning_is_refused(proxy: FaultProxy, body: dict[str, Any]) -> None:
    """Toxiproxy takes it in silence."""
    proxy.proxy_to(1)
    assert proxy.call("POST", "/proxies/p/toxics", body).status_code == (200 if proxy.real else 400)


# ---------------------------------------------------------------- what toxics do


def test_a_timeout_comes_on_time_although_data_keeps_coming(proxy: FaultProxy, echo: EchoServer) -> None:
    """Toxiproxy begins to wait anew with each chunk."""
    port = proxy.proxy_to(echo.port)
    proxy.toxic("timeout", {"timeout": 1000}, stream="upstream")
    began = time.perf_counter()
    with Client(port) as client:
        while time.perf_counter() - began < 0.8:
            client.send(b"x")
            client.fate(0.05)
        if proxy.real:
            assert client.fate(0.4) == "open"
        else:
            assert client.fate(3) in ("closed", "reset")
            assert 1.0 <= time.perf_counter() - began < 1.0 + LATE_S


def test_an_idle_connection_is_reset_at_both_ends(proxy: FaultProxy, echo: EchoServer) -> None:
    """Toxiproxy waits for a first byte that never comes."""
    with Client(proxy.proxy_to(echo.port)) as client:
        client.echo_s()
        proxy.toxic("reset_peer")
        assert client.fate(1) == ("open" if proxy.real else "reset")
        assert eventually(lambda: echo.reset == 1, within_s=0.5 if proxy.real else 5) is not proxy.real


def test_a_live_connection_gets_a_true_rst(proxy: FaultProxy, echo: EchoServer) -> None:
    """Toxiproxy sets SO_LINGER only on connections that begin after the toxic: the others get a FIN."""
    with Client(proxy.proxy_to(echo.port)) as client:
        client.echo_s()
        proxy.toxic("reset_peer", {"timeout": 100})
        client.send(b"ping")
        assert client.fate(2) == ("closed" if proxy.real else "reset")


def test_toxicity_is_rolled_once_per_connection(proxy: FaultProxy, echo: EchoServer) -> None:
    """Toxiproxy rolls again at every change of the toxic."""
    port = proxy.proxy_to(echo.port)
    proxy.toxic("latency", {"latency": 400}, toxicity=0.5)
    with Client(port) as client:
        hit = set()
        for latency in range(401, 421 if proxy.real else 411):
            hit.add(client.echo_s() > 0.4)
            proxy.call("PATCH", "/proxies/p/toxics/latency_downstream", {"attributes": {"latency": latency}})
            if proxy.real and len(hit) == 2:
                break
    assert len(hit) == (2 if proxy.real else 1)


def test_the_same_seed_gives_the_same_rolls(process: FaultProxy, echo: EchoServer) -> None:
    """Toxiproxy's `-seed` has no effect (PR #610)."""
    rolls = [_rolls(process.kind, echo, seed) for seed in ("7", "7", "8")]
    assert (rolls[0] == rolls[1]) is not process.real
    assert rolls[0] != rolls[2]


def _rolls(kind: str, echo: EchoServer, seed: str) -> list[bool]:
    proxy = FaultProxy(kind, "-seed", seed)
    try:
        port = proxy.proxy_to(echo.port)
        proxy.toxic("limit_data", {"bytes": 0}, toxicity=0.5)
        hit = []
        for _ in range(24):
            with Client(port) as client:
                client.send(b"ping")
                hit.append(client.receive(4) == b"")
        return hit
    finally:
        proxy.close()


# ---------------------------------------------------------------- connections


def test_half_close_is_carried(proxy: FaultProxy, echo: EchoServer) -> None:
    """Toxiproxy closes the whole connection: the answer to the end is lost."""
    with Client(proxy.proxy_to(echo.port)) as client:
        client.echo_s()
        client.socket.shutdown(socket.SHUT_WR)
        assert client.receive(3) == (b"" if proxy.real else b"bye")


def test_a_reset_is_carried(proxy: FaultProxy, echo: EchoServer) -> None:
    """Toxiproxy turns it into a FIN."""
    with Client(proxy.proxy_to(echo.port)) as client:
        client.echo_s()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert eventually(lambda: echo.reset + echo.ended == 1)
    assert (echo.reset == 1) is not proxy.real


def test_open_connections_are_counted(proxy: FaultProxy, echo: EchoServer) -> None:
    """Toxiproxy counts a connection's bytes when it closes."""
    port = proxy.proxy_to(echo.port)
    with Client(port) as client:
        client.echo_s(bytes(1000))
        assert proxy.carried_bytes(port, "sent", "downstream") == (0 if proxy.real else 1000)


# ---------------------------------------------------------------- requests


def test_populate_and_create_take_toxics(proxy: FaultProxy) -> None:
    """Toxiproxy ignores them in silence (#79, #281, #447, #148)."""
    toxics = [{"type": "latency", "attributes": {"latency": 5}}]
    body = {"upstream": "127.0.0.1:1", "listen": "127.0.0.1:0", "toxics": toxics}
    populated = proxy.call("POST", "/populate", [{"name": "a", **body}]).json()["proxies"][0]
    created = proxy.call("POST", "/proxies", {"name": "b", **body}).json()
    assert [len(populated["toxics"]), len(created["toxics"])] == ([0, 0] if proxy.real else [1, 1])


def test_a_stream_may_be_both(proxy: FaultProxy, echo: EchoServer) -> None:
    """Toxiproxy knows one direction per toxic."""
    port = proxy.proxy_to(echo.port)
    body = {"type": "latency", "stream": "both", "attributes": {"latency": 100}}
    answer = proxy.call("POST", "/proxies/p/toxics", body)
    if proxy.real:
        assert answer.status_code == 400
        return
    assert answer.json()["name"] == "latency_both"
    with Client(port) as client:
        assert 0.2 <= client.echo_s() < 0.2 + LATE_S
