"""What every toxic of Toxiproxy does, measured on real connections through both proxies."""

import statistics
import threading
import time
from collections.abc import Iterator

import pytest
import redis

from tests.contract.fault_proxies import Client, EchoServer, FaultProxy, eventually, redis_server
from tests.contract.test_proxy_conformance import LATE_S, echo, process, proxy

__all__ = ["echo", "process", "proxy"]


@pytest.fixture(scope="module")
def store() -> Iterator[int]:
    """The port of a real Redis."""
    with redis_server() as port:
        yield port


# ---------------------------------------------------------------- latency


@pytest.mark.parametrize("latency_ms", [1, 10, 100, 500])
def test_latency_is_added_and_never_early(proxy: FaultProxy, echo: EchoServer, latency_ms: int) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("latency", {"latency": latency_ms})
    with Client(port) as client:
        times_s = [client.echo_s() for _ in range(max(3, 200 // latency_ms))]
    assert min(times_s) >= latency_ms / 1000
    assert statistics.median(times_s) < latency_ms / 1000 + LATE_S


def test_latency_works_on_its_stream_only(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("latency", {"latency": 100}, stream="upstream")
    proxy.toxic("latency", {"latency": 150}, stream="downstream")
    with Client(port) as client:
        assert 0.25 <= client.echo_s() < 0.25 + LATE_S


def test_jitter_stays_within_its_bounds_and_keeps_the_order(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("latency", {"latency": 50, "jitter": 40})
    with Client(port) as client:
        times_s = [client.echo_s() for _ in range(20)]
        for number in range(100):
            client.send(bytes([number]))
        assert client.receive(100) == bytes(range(100))
    assert min(times_s) >= 0.009
    assert max(times_s) - min(times_s) > 0.01
    assert statistics.median(times_s) < 0.09 + LATE_S


def test_chunks_under_latency_are_under_way_together(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("latency", {"latency": 300})
    with Client(port) as client:
        began = time.perf_counter()
        for _ in range(10):
            client.send(b"x")
            time.sleep(0.01)
        client.receive(10)
        assert 0.3 <= time.perf_counter() - began < 0.4 + LATE_S


def test_a_redis_behind_latency_answers_late_and_right(proxy: FaultProxy, store: int) -> None:
    with redis.Redis(host="127.0.0.1", port=proxy.proxy_to(store), socket_timeout=5) as client:
        client.set("key", "value")
        proxy.toxic("latency", {"latency": 80})
        began = time.perf_counter()
        assert client.get("key") == b"value"
        assert 0.08 <= time.perf_counter() - began < 0.08 + LATE_S


def test_a_redis_behind_more_latency_than_its_clients_wait_times_out(proxy: FaultProxy, store: int) -> None:
    port = proxy.proxy_to(store)
    proxy.toxic("latency", {"latency": 2000})
    with (
        redis.Redis(host="127.0.0.1", port=port, socket_timeout=0.2, retry=None) as client,
        pytest.raises(redis.exceptions.TimeoutError),
    ):
        client.ping()


# ---------------------------------------------------------------- the others


def test_bandwidth_gives_its_rate(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("bandwidth", {"rate": 1000})
    payload = bytes(1_000_000)
    with Client(port) as client:
        sender = threading.Thread(target=client.send, args=(payload,))
        began = time.perf_counter()
        sender.start()
        assert client.receive(len(payload)) == payload
        taken_s = time.perf_counter() - began
        sender.join(10)
    assert 0.9 <= taken_s < 1.1 + LATE_S


def test_bandwidth_slows_a_redis_to_a_kilobyte_per_second(proxy: FaultProxy, store: int) -> None:
    with redis.Redis(host="127.0.0.1", port=proxy.proxy_to(store), socket_timeout=10) as client:
        client.set("kilobyte", bytes(1000))
        proxy.toxic("bandwidth", {"rate": 1})
        began = time.perf_counter()
        client.get("kilobyte")
        assert 0.95 <= time.perf_counter() - began < 1.1 + LATE_S


def test_bandwidth_zero_stops_data_and_its_removal_lets_it_go(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("bandwidth", {"rate": 0})
    with Client(port) as client:
        client.send(b"ping")
        client.socket.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        began = time.perf_counter()
        proxy.call("DELETE", "/proxies/p/toxics/bandwidth_downstream")
        assert time.perf_counter() - began < 5
        client.socket.settimeout(5)
        assert client.receive(4) == b"ping"


def test_slow_close_holds_the_end_back(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("slow_close", {"delay": 800}, stream="upstream")
    with Client(port) as client:
        assert client.echo_s() < LATE_S
        began = time.perf_counter()
    assert eventually(lambda: echo.ended + echo.reset == 1)
    assert 0.8 <= time.perf_counter() - began < 0.8 + LATE_S


def test_timeout_drops_data_then_closes(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("timeout", {"timeout": 300})
    with Client(port) as client:
        began = time.perf_counter()
        client.send(b"ping")
        client.socket.settimeout(5)
        assert client.socket.recv(10) == b""
        assert 0.25 <= time.perf_counter() - began < 0.3 + LATE_S


def test_timeout_zero_drops_until_it_is_removed_which_closes(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("timeout", {"timeout": 0})
    with Client(port) as client:
        client.send(b"ping")
        assert client.fate(0.5) == "open"
        proxy.call("DELETE", "/proxies/p/toxics/timeout_downstream")
        assert client.fate() == "closed"


def test_reset_peer_breaks_a_connection_that_carries_data(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("reset_peer", {"timeout": 200})
    with Client(port) as client:
        began = time.perf_counter()
        client.send(b"ping")
        assert client.fate() in ("closed", "reset")
        assert 0.19 <= time.perf_counter() - began < 0.2 + LATE_S


def test_reset_peer_of_a_new_connection_is_a_true_rst(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("reset_peer", stream="upstream")
    try:
        with Client(port) as client:
            client.send(b"ping")
            fate = client.fate()
    except (
        ConnectionError
    ):  # ours does not wait for a first byte: the RST may come before `send`, or `connect`, is done
        fate = "reset"
    assert fate == "reset"


def test_slicer_cuts_data_into_small_pieces(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("slicer", {"average_size": 100, "size_variation": 50, "delay": 100_000})
    payload = bytes(range(250)) * 4
    with Client(port) as client:
        client.send(payload)
        pieces = []
        while sum(map(len, pieces)) < len(payload):
            pieces.append(client.socket.recv(65_536))
    assert b"".join(pieces) == payload
    assert len(pieces) >= 6
    assert statistics.median(map(len, pieces)) <= 150


def test_limit_data_lets_exactly_its_bytes_through(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("limit_data", {"bytes": 100})
    with Client(port) as client:
        client.send(bytes(60))
        assert len(client.receive(60)) == 60
        client.send(bytes(60))
        assert len(client.receive(1000)) == 40
    with Client(port) as client:
        client.send(bytes(1000))
        assert len(client.receive(1000)) == 100


def test_noop_does_nothing(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("noop", stream="upstream")
    with Client(port) as client:
        assert client.echo_s() < LATE_S


# ---------------------------------------------------------------- changes while data flows


def test_toxics_come_change_and_go_on_an_open_connection(proxy: FaultProxy, echo: EchoServer) -> None:
    with Client(proxy.proxy_to(echo.port)) as client:
        assert client.echo_s() < LATE_S
        proxy.toxic("latency", {"latency": 300})
        assert 0.3 <= client.echo_s() < 0.3 + LATE_S
        proxy.call("PATCH", "/proxies/p/toxics/latency_downstream", {"attributes": {"latency": 1500}})
        assert 1.5 <= client.echo_s() < 1.5 + LATE_S
        proxy.call("DELETE", "/proxies/p/toxics/latency_downstream")
        assert client.echo_s() < LATE_S


def test_removing_a_latency_releases_what_is_under_way(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("latency", {"latency": 60_000})
    with Client(port) as client:
        client.send(b"ping")
        time.sleep(0.1)  # no fact to wait for: the data has to be inside
        proxy.call("DELETE", "/proxies/p/toxics/latency_downstream")
        client.socket.settimeout(5)
        assert client.receive(4) == b"ping"


def test_no_byte_is_lost_while_toxics_come_and_go(proxy: FaultProxy, echo: EchoServer) -> None:
    payload = bytes(range(256)) * 8000
    with Client(proxy.proxy_to(echo.port)) as client:
        sender = threading.Thread(target=client.send, args=(payload,))
        sender.start()
        changer = threading.Thread(target=_come_and_go, args=(proxy,))
        changer.start()
        assert client.receive(len(payload)) == payload
        sender.join(10)
        changer.join(30)


def _come_and_go(proxy: FaultProxy) -> None:
    for _ in range(10):
        proxy.toxic("latency", {"latency": 5})
        proxy.toxic("bandwidth", {"rate": 100_000}, stream="upstream")
        proxy.call("DELETE", "/proxies/p/toxics/latency_downstream")
        proxy.call("DELETE", "/proxies/p/toxics/bandwidth_upstream")


def test_toxicity_zero_spares_every_connection(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("timeout", {"timeout": 0}, toxicity=0)
    for _ in range(10):
        with Client(port) as client:
            client.echo_s()


def test_toxicity_of_one_half_hits_about_half_of_the_connections(proxy: FaultProxy, echo: EchoServer) -> None:
    port = proxy.proxy_to(echo.port)
    proxy.toxic("limit_data", {"bytes": 0}, toxicity=0.5)
    hit = 0
    for _ in range(60):
        with Client(port) as client:
            client.send(b"ping")
            hit += client.receive(4) == b""
    assert 10 <= hit <= 50  # fewer or more come once in a million times
