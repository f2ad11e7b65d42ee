"""A man in the middle between the tool and the lab's API: hands everything on, and spoils some answers on command."""

import contextlib
import http.client
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

BLOCK = b"x" * (1 << 20)
TWO_GB = 2 << 30

# What becomes of an answer: it gets the true body, and a way to send bytes; it sends the whole answer itself.
Trouble = Callable[[bytes, Callable[[bytes], None]], None]


def _whole(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def without_series(name: str) -> Trouble:
    """The metrics page as if that series had never been there."""
    lines = re.compile(rb"(?m)^(?:# \w+ )?%s(?:_created)?[ {].*\n" % name.encode())
    return lambda body, send: send(_whole(lines.sub(b"", body)))


def with_line(line: str) -> Trouble:
    """The metrics page with one more sample at its end."""
    return lambda body, send: send(_whole(body.rstrip(b"\n") + b"\n" + line.encode() + b"\n"))


def broken_json(body: bytes, send: Callable[[bytes], None]) -> None:
    """200, and half of the document."""
    send(_whole(body[: len(body) // 2]))


def two_gigabytes(body: bytes, send: Callable[[bytes], None]) -> None:
    """A body that says that it is 2 GB long, and is."""
    send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % TWO_GB)
    for _ in range(TWO_GB // len(BLOCK)):
        send(BLOCK)


def endless(body: bytes, send: Callable[[bytes], None]) -> None:
    """Chunk after chunk, as fast as they are taken."""
    send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        send(b"%x\r\n%s\r\n" % (len(BLOCK), BLOCK))


def dripping(ended: threading.Event) -> Trouble:
    """The true answer, one byte a second."""

    def drip(body: bytes, send: Callable[[bytes], None]) -> None:
        for byte in _whole(body):
            send(bytes([byte]))
            if ended.wait(1.0):
                return

    return drip


class HostileApi:
    """Listens on a port of its own. `troubles` are by path; they count from `begin` on."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.troubles: Mapping[str, Trouble] = {}
        self.began = threading.Event()
        self.ended = threading.Event()
        self.spoiled = 0
        api = self

        class Handler(_Handler):
            hostile = api

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def begin(self) -> None:
        """From now on the answers are spoiled."""
        self.began.set()

    @contextlib.contextmanager
    def running(self) -> Iterator["HostileApi"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.ended.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join(5)


class _Handler(BaseHTTPRequestHandler):
    """One connection of the tool, with one of its own to the lab."""

    hostile: HostileApi
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        upstream = self.hostile.upstream
        self.lab = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=5)

    def finish(self) -> None:
        self.lab.close()
        with contextlib.suppress(OSError):
            super().finish()

    def do_GET(self) -> None:
        try:
            self.lab.request("GET", self.path)
            answer = self.lab.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            self.lab.close()
            self.close_connection = True  # as if the lab itself had hung up
            return
        trouble = self.hostile.troubles.get(self.path.partition("?")[0])
        try:
            if trouble is not None and self.hostile.began.is_set():
                self.hostile.spoiled += 1
                trouble(body, self.connection.sendall)
            else:
                head = f"HTTP/1.1 {answer.status} {answer.reason}\r\nContent-Length: {len(body)}\r\n\r\n"
                self.connection.sendall(head.encode() + body)
        except OSError:
            self.close_connection = True  # the tool has heard enough

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""
