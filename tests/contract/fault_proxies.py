"""Fault proxies under test, the embedded one and the real Toxiproxy, and real servers behind them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests

from blackstart_lab.servers import redis
from tests.services import free_port

KINDS = ("embedded", "embedded-uvloop", "toxiproxy")


def missing(kind: str) -> str | None:
    """Why that proxy can't run here, None where it can."""
    if kind == "embedded-uvloop" and importlib.util.find_spec("uvloop") is None:
        return "uvloop is not installed (it is optional)"
    return None


def toxiproxy_server() -> str:
    """The real server's binary."""
    places = (
        "toxiproxy-server",
        os.path.expanduser("~/go/bin/toxiproxy-server"),
        os.path.expanduser("~/go/bin/server"),
    )
    return next(found for place in places if (found := shutil.which(place)))


def eventually(holds: Callable[[], bool], within_s: float = 20.0) -> bool:
    """Wait until something holds; False where it does not in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.01)
    return holds()


class FaultProxy:
    """A running proxy process and its API. `real` tells Toxiproxy from ours."""

    def __init__(self, kind: str, *more: str, wrap: tuple[str, ...] = ()) -> None:
        self.kind, self.real, self.port = kind, kind == "toxiproxy", free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        argv = [toxiproxy_server(), "-proxy-metrics"] if self.real else [sys.executable, "-m", "blackstart.proxy"]
        if not self.real:
            more = ("--loop", "uvloop" if kind.endswith("uvloop") else "asyncio", *more)
        self.process = subprocess.Popen(
            [*wrap, *argv, "-host", "127.0.0.1", "-port", str(self.port), *more],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        if not eventually(lambda: self.answers() or self.process.poll() is not None) or self.process.poll() is not None:
            self.close()
            raise RuntimeError(f"{kind} did not start")

    def answers(self) -> bool:
        """Whether the API is there."""
        try:
            return requests.get(f"{self.url}/version", timeout=2).ok
        except requests.RequestException:
            return False

    def alive(self) -> bool:
        """Whether the process still runs and its API answers."""
        return self.process.poll() is None and self.answers()

    def call(self, method: str, path: str, body: Any = None, timeout_s: float = 10.0) -> requests.Response:
        """One request to the API."""
        return requests.request(method, self.url + path, json=body, timeout=timeout_s)

    def proxy_to(self, upstream: int, name: str = "p", **more: Any) -> int:
        """A new proxy to a local port; returns the port it listens on, which is lent to nobody while it is cut off."""
        body = {"name": name, "listen": f"127.0.0.1:{free_port()}", "upstream": f"127.0.0.1:{upstream}", **more}
        answer = self.call("POST", "/proxies", body)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["listen"].rsplit(":", 1)[1])

    def toxic(self, kind: str, attributes: dict[str, Any] | None = None, name: str = "p", **more: Any) -> None:
        """Add a toxic to a proxy."""
        body = {"type": kind, "attributes": attributes or {}, **more}
        answer = self.call("POST", f"/proxies/{name}/toxics", body)
        assert answer.status_code == 200, answer.text

    def carried_bytes(self, port: int, what: str, direction: str) -> float:
        """What `/metrics` says about the proxy that listens on that port; `what` is `received` or `sent`."""
        marks = (f"toxiproxy_proxy_{what}_bytes_total{{", f':{port}"', f'direction="{direction}"')
        lines = self.call("GET", "/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if all(mark in line for mark in marks))

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait(10)


class EchoServer:
    """Sends back what it gets. Notes what became of its connections: how many, how many half-closed, how many reset."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._listener.getsockname()[1]
        self.accepted = self.ended = self.reset = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._echo, args=(client,), daemon=True).start()

    def _echo(self, client: socket.socket) -> None:
        with client:
            try:
                while data := client.recv(262_144):
                    client.sendall(data)
                client.sendall(b"bye")
                client.shutdown(socket.SHUT_WR)
                self.ended += 1
            except ConnectionResetError:
                self.reset += 1
            except OSError:
                self.ended += 1

    def close(self) -> None:
        self._listener.close()


class Client:
    """A TCP client with a time limit, that measures."""

    def __init__(self, port: int, timeout_s: float = 10.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def pour(self, most: int) -> int:
        """How many bytes were taken: `most` or a little more, or fewer where no more was taken for the time limit."""
        sent = 0
        with suppress(TimeoutError):
            while sent < most:
                sent += self.socket.send(bytes(262_144))
        return sent

    def receive(self, size: int) -> bytes:
        """Exactly so many bytes, fewer only at the end."""
        got = b""
        while len(got) < size and (more := self.socket.recv(min(262_144, size - len(got)))):
            got += more
        return got

    def echo_s(self, data: bytes = b"ping") -> float:
        """How long it takes for the data to come back."""
        began = time.perf_counter()
        self.send(data)
        assert self.receive(len(data)) == data
        return time.perf_counter() - began

    def fate(self, within_s: float = 5.0) -> str:
        """What becomes of the connection: `closed` (FIN), `reset` (RST) or `open` after that time; data is skipped."""
        deadline = time.monotonic() + within_s
        try:
            while (left_s := deadline - time.monotonic()) > 0:
                self.socket.settimeout(left_s)
                if not self.socket.recv(262_144):
                    return "closed"
        except ConnectionError:
            return "reset"
        except TimeoutError:
            pass
        return "open"


def refused(port: int) -> bool:
    """Whether a connection to that port is refused."""
    try:
        with socket.create_connection(("127.0.0.1", port), 2):
            return False
    except ConnectionRefusedError:
        return True


@contextmanager
def hanging_port() -> Iterator[int]:
    """A port whose connections hang: its queue is full, so that the kernel drops every further SYN."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(listener.getsockname())
            yield listener.getsockname()[1]
        finally:
            for filler in fillers:
                filler.close()


@contextmanager
def redis_server() -> Iterator[int]:
    """A real, empty Redis; gives its port."""
    port = free_port()
    argv = [redis.find(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    argv += ["--set-proc-title", "no"]  # a title would overwrite the environment, by which tests know their processes
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as server:
        try:
            assert eventually(lambda: not refused(port))
            yield port
        finally:
            server.kill()
