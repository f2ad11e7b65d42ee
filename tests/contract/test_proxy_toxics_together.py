"""Toxics behind toxics, before slow dials and beside the other direction, through both proxies."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.contract.fault_proxies import Client, FaultProxy, eventually
from tests.contract.test_proxy_conformance import LATE_S, echo, process, proxy

__all__ = ["echo", "process", "proxy"]


class Talker:
    """A server that notes what it hears on each connection, after it has said `says` (if anything) and that it ends."""

    def __init__(self, says: bytes) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._says = says
        self.heard: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                heard = b""
                try:
                    if self._says:
                        peer.sendall(self._says)
                        peer.shutdown(socket.SHUT_WR)
                    while more := peer.recv(65_536):
                        heard += more
                except ConnectionError:
                    heard += b" and a reset"
                self.heard.append(heard)

    def close(self) -> None:
        self._listener.close()


@contextmanager
def talker(says: bytes = b"") -> Iterator[Talker]:
    made = Talker(says)
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(
    ("kind", "attributes", "least_s"),
    [("latency", {"latency": 300}, 0.3), ("bandwidth", {"rate": 1}, 0.28), ("slow_close", {"delay": 300}, 0.3)],
)
def test_what_a_limit_let_through_passes_the_toxics_behind_it(
    proxy: FaultProxy, kind: str, attributes: dict[str, Any], least_s: float
) -> None:
    with talker(bytes(1000)) as server:
        port = proxy.proxy_to(server.port)
        proxy.toxic("limit_data", {"bytes": 300})
        proxy.toxic(kind, attributes)
        began = time.perf_counter()
        with Client(port) as client:
            assert len(client.receive(1000)) == 300
            assert least_s <= time.perf_counter() - began < least_s + 2 * LATE_S


def test_what_came_before_the_dial_was_done_counts_for_a_limit(proxy: FaultProxy) -> None:
    with talker() as server:
        port = proxy.proxy_to(server.port)
        proxy.toxic("limit_data", {"bytes": 100}, stream="upstream")
        with Client(port) as client:
            client.send(bytes(300))
            assert eventually(lambda: server.heard == [bytes(100)])


def test_a_limit_of_one_direction_loses_nothing_of_the_other(proxy: FaultProxy) -> None:
    with talker(bytes(200)) as server:
        port = proxy.proxy_to(server.port)
        proxy.toxic("latency", {"latency": 300}, stream="upstream")
        proxy.toxic("latency", {"latency": 100})
        proxy.toxic("limit_data", {"bytes": 100})
        with Client(port) as client:
            client.send(b"said")
            assert len(client.receive(200)) == 100
            assert eventually(lambda: server.heard == [b"said"])


def test_a_server_that_closes_does_not_forestall_the_reset(proxy: FaultProxy) -> None:
    with talker(b"answer") as server:
        port = proxy.proxy_to(server.port)
        proxy.toxic("reset_peer", {"timeout": 300})
        began = time.perf_counter()
        with Client(port) as client:
            assert client.fate() == "reset"
            assert 0.29 <= time.perf_counter() - began < 0.3 + 2 * LATE_S


def test_a_slicer_is_told_a_shorter_delay_in_mid_transfer(proxy: FaultProxy) -> None:
    with talker(bytes(1000)) as server:
        port = proxy.proxy_to(server.port)
        proxy.toxic("slicer", {"average_size": 100, "size_variation": 1, "delay": 60_000_000})
        with Client(port) as client:
            # Toxiproxy's first piece waits, too: there is nothing to see of it before the change.
            first = b"" if proxy.real else client.receive(90)
            proxy.call("POST", "/proxies/p/toxics/slicer_downstream", {"attributes": {"delay": 0}})
            assert len(first + client.receive(1000 - len(first))) == 1000


def test_what_was_kept_for_a_slow_dial_does_not_end_the_flow_control(proxy: FaultProxy) -> None:
    """A server whose queue is full is reached late, and then it does not read: its client has to wait, too."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        listener.settimeout(20)
        # One fills the queue. A second that waits as the proxy does would try again at the same instant, and the kernel
        # may reset the one of two that finds the place taken.
        filler = socket.create_connection(listener.getsockname())
        port = proxy.proxy_to(listener.getsockname()[1])
        proxy.toxic("latency", {"latency": 300}, stream="upstream")
        with Client(port, timeout_s=3) as client:
            sent = client.pour(8_000_000)
            held = [listener.accept()[0]]  # which makes room for the proxy
            assert held[0].getpeername() == filler.getsockname()
            held.append(listener.accept()[0])
            sent += client.pour(200_000_000)
        for made in (filler, *held):
            made.close()
    assert sent < 100_000_000
