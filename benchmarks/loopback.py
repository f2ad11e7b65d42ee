"""Servers and small tools on loopback that the benchmarks share."""

from __future__ import annotations

import os
import selectors
import shutil
import socket
import time
from collections.abc import Callable


def ping(port: int, count: int) -> list[float]:
    """Times of round trips over one connection, in ms."""
    times_ms = []
    with socket.create_connection(("127.0.0.1", port), 30) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            began = time.perf_counter()
            client.sendall(b"x")
            if client.recv(1) != b"x":
                raise RuntimeError("the echo is gone")
            times_ms.append((time.perf_counter() - began) * 1000)
    return times_ms


def serve_sink(listener: socket.socket) -> None:
    """Read one connection after the other to its end."""
    buffer = bytearray(1024 * 1024)
    while True:
        with listener.accept()[0] as client:
            while client.recv_into(buffer):
                pass


def serve_echo(listener: socket.socket) -> None:
    """Send back whatever comes, on any number of connections."""
    ready = selectors.DefaultSelector()
    ready.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in ready.select():
            if key.fileobj is listener:
                ready.register(listener.accept()[0], selectors.EVENT_READ)
                continue
            client = key.fileobj
            assert isinstance(client, socket.socket)
            if data := client.recv(65_536):
                client.sendall(data)
            else:
                ready.unregister(client)
                client.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def wait_for(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not fact():
        if time.monotonic() > deadline:
            raise TimeoutError("a server did not come up within 20 s")
        time.sleep(0.02)


def program(name: str) -> str:
    found = shutil.which(name) or shutil.which(os.path.expanduser(f"~/go/bin/{name}"))
    if found is None:
        raise SystemExit(f"Not started: there is no {name} on PATH or in ~/go/bin.")
    return found
