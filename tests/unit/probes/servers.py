"""Small TCP servers for tests: each connection is given to a function."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator

from blackstart.model.target import Service, Target
from tests.requirements import require
from tests.services import free_port

__all__ = ["Handler", "answering", "free_port", "http", "requests_of", "serving", "target_on"]

Handler = Callable[[socket.socket], None]


@contextlib.contextmanager
def serving(handle: Handler, host: str = "127.0.0.1") -> Iterator[int]:
    """Serve `handle` on a port of its own; yields the port."""
    if ":" in host:
        require("ipv6")
    listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    open_sockets: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            open_sockets.append(conn)
            threading.Thread(target=one, args=(conn,), daemon=True).start()

    def one(conn: socket.socket) -> None:
        with conn, contextlib.suppress(OSError):
            handle(conn)

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for conn in open_sockets:
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def requests_of(conn: socket.socket) -> Iterator[bytes]:
    """The heads of the requests that come over one connection, each read whole: a close with a rest unread resets."""
    data = b""
    while True:
        while not (whole := re.match(rb"(?s)(.*?)\r\n\r\n", data)):
            if not (more := conn.recv(65536)):
                return
            data += more
        length = re.search(rb"(?im)^content-length: *(\d+)", whole[1])
        data = data[whole.end() :]
        while length and len(data) < int(length[1]):
            if not (more := conn.recv(65536)):
                return
            data += more
        data = data[int(length[1]) :] if length else data
        yield whole[1]


def http(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole HTTP answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answering(*answers: bytes, close: bool = False) -> Handler:
    """A handler that gives these answers in turn, the last one for ever."""
    left = list(answers)

    def handle(conn: socket.socket) -> None:
        for _ in requests_of(conn):
            conn.sendall(left.pop(0) if len(left) > 1 else left[0])
            if close:
                return

    return handle


def target_on(port: int, **more: object) -> Target:
    """A target whose API is on that port of loopback."""
    services = {"redis": Service("redis", address=f"127.0.0.1:{port}")}
    return Target("test", api=f"http://127.0.0.1:{port}", services=services, **more)  # type: ignore[arg-type]
