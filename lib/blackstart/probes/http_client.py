"""A light HTTP/1.1 client for reading one URL over and over: one socket, one parser, one time limit per read.

What it does not do, on purpose: follow redirects (a redirect is a value), ask for compression (what comes packed all
the same is unpacked), read proxy variables, keep cookies. An answer is held in memory up to a limit and never beyond
it, whatever the other side sends; of a long page of series only the wanted ones are.
"""

import socket
from collections.abc import Callable, Iterable
from urllib.parse import quote

import httptools

from blackstart import __version__
from blackstart.base import trust
from blackstart.base.errors import BadTarget
from blackstart.base.sockets import Deadline, NoAnswer, Stale
from blackstart.base.urls.http import HttpUrl
from blackstart.model.protocols import read_http
from blackstart.model.reading import Answer
from blackstart.probes.http_body import Body, quoted_name
from blackstart.probes.kept import KeptReader

MAX_BODY_BYTES = 4 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_CONTROL = frozenset("\r\n\0")
_HEAD_END = b"\r\n\r\n"
_HEADS_REMEMBERED = 8
_LEAST_STATUS = 100


class _Message:
    """Collects one answer from the parser's callbacks."""

    __slots__ = (
        "body", "complete", "failure", "framed", "headers_done", "keep_alive", "parser", "received", "size", "status",
        "surplus",
    )  # fmt: skip

    def __init__(self, body: Body) -> None:
        self.body = body
        self.failure: NoAnswer | None = None  # the parser would put an error of its own around it
        self.parser = httptools.HttpResponseParser(self)
        self.size = self.received = self.status = 0
        self.framed = self.headers_done = self.complete = self.keep_alive = self.surplus = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self.framed = True
        elif name.lower() == b"content-encoding" and not self.headers_done:
            self._try(self.body.encoded, value)

    def _try(self, take: Callable[[bytes], None], data: bytes) -> None:
        try:
            if self.failure is None:
                take(data)
        except NoAnswer as failure:
            self.failure = failure
            self.body.drop()

    def on_message_begin(self) -> None:
        if self.complete:
            self.surplus = True  # a second answer that nobody asked for
        self.framed = self.framed and self.complete

    def on_headers_complete(self) -> None:
        if self.surplus:
            return
        self.status = self.parser.get_status_code()
        self.keep_alive = self.parser.should_keep_alive()
        self.headers_done = self.status >= 200

    def on_body(self, body: bytes) -> None:
        if self.surplus:
            return
        self.size += len(body)
        self._try(self.body.add, body)

    def on_message_complete(self) -> None:
        # 1xx answers only announce the real one.
        self.complete = self.status >= 200 or self.surplus

    def answer(self) -> Answer:
        """The whole of it. The body is not kept here: message and parser know each other, so that only now and then are
        both freed, and fifty answers a second would pile up until then. Raises NoAnswer."""
        return Answer("answer", self.body.whole(), self.status)


def _request(url: HttpUrl, headers: Iterable[tuple[str, str]]) -> bytes:
    path = quote(url.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = f"?{quote(url.query, safe='/%:@!$&()*+,;=~-._?')}" if url.query else ""
    lines = [
        f"GET {path}{query} HTTP/1.1",
        f"Host: {url.netloc}",
        "Accept: */*",
        f"User-Agent: blackstart/{__version__}",
    ]
    if url.basic:
        lines.append(f"Authorization: {url.basic}")
    for name, value in headers:
        if _CONTROL & set(name + value):
            raise BadTarget(f'the header "{name}" contains a line break')
        lines.append(f"{name}: {value}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


class HttpReader(KeptReader):
    """Reads one URL over a connection that is kept open. `headers` have their real values here."""

    def __init__(
        self,
        url: str,
        headers: Iterable[tuple[str, str]] = (),
        max_bytes: int = MAX_BODY_BYTES,
        series: Iterable[str] = (),
    ) -> None:
        asked = read_http(url, whole_path=True)
        super().__init__(asked.place.host, asked.place.port, trust.tls() if asked.tls else None)
        self._request = _request(asked, headers)
        self._max_bytes = max_bytes
        self.want(series)
        self._message: _Message | None = None
        self._heads: dict[bytes, tuple[int, int]] = {}

    def want(self, series: Iterable[str]) -> None:
        """From the next answer on, these are the series that are kept of a page that is longer than the limit."""
        self._series = tuple(quoted_name(name) for name in series)

    def _ask(self, sock: socket.socket, deadline: Deadline) -> Answer:
        self._message = None
        try:
            sock.settimeout(deadline.left_s())
            sock.sendall(self._request)
            while True:
                sock.settimeout(deadline.left_s())
                answer = self._receive(sock)
                if answer is not None:
                    return answer
        except TimeoutError as error:
            raise self._late(deadline.passed().note) from error
        except NoAnswer as failure:
            raise (self._late(failure.note) if failure.kind == "timed_out" else failure) from failure
        except OSError as error:
            raise Stale(error.strerror or str(error)) from error

    def _late(self, note: str) -> NoAnswer:
        """What the end of the time comes to: of a body that is longer than we keep, it is we who are not through."""
        received = self._message.received if self._message is not None else 0
        if received <= self._max_bytes:
            return NoAnswer("timed_out", note)
        return NoAnswer("unreadable", f"{note}: {received} bytes so far")

    def _receive(self, sock: socket.socket) -> Answer | None:
        """One piece of the answer; the whole of it where it is complete."""
        try:
            data = sock.recv(_CHUNK_BYTES)
        except (TimeoutError, BlockingIOError):
            raise
        except OSError as error:
            return self._ended(error.strerror or str(error))
        if not data:
            return self._ended("closed")
        message = self._message
        if message is None:
            known = self._known(data)
            if known is not None:
                return known
            message = self._message = _Message(Body(self._max_bytes, self._series))
        message.received += len(data)
        self._feed(message, data)
        if not message.complete:
            return None
        if message.surplus or not message.keep_alive:
            self.close()
        elif message.received == len(data):
            self._remember(data, message)
        return message.answer()

    def _known(self, data: bytes) -> Answer | None:
        """The answer whose head was read before, byte for byte, and that is as long; None where it has to be parsed."""
        body = data.find(_HEAD_END) + len(_HEAD_END)
        known = self._heads.get(data[:body])
        if known is None or len(data) != body + known[1]:
            return None
        return Answer("answer", data[body:], known[0])

    def _remember(self, data: bytes, message: _Message) -> None:
        # Heads with a date live for a second, which is fifty answers.
        body = data.find(_HEAD_END) + len(_HEAD_END)
        if message.framed and not message.body.packed and len(data) == body + message.size:
            if len(self._heads) >= _HEADS_REMEMBERED:
                self._heads.clear()
            self._heads[data[:body]] = (message.status, message.size)

    def _feed(self, message: _Message, data: bytes) -> None:
        try:
            message.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not message.complete:
                # An answer it is; what our parser is stricter in than others are says nothing of the target.
                begun = message.parser.get_status_code() >= _LEAST_STATUS
                raise NoAnswer("unreadable" if begun else "malformed", f"not HTTP: {error}") from error
            # More bytes than the answer has: it stands, the connection can't be trusted any further.
            message.keep_alive = False
        if message.failure is not None:
            raise message.failure
        if message.received - message.size > _CHUNK_BYTES * 2 + 8 * message.size:
            raise NoAnswer("malformed", f"not HTTP: {message.received} bytes without an end of the headers or a body")

    def _ended(self, why: str) -> Answer:
        message = self._message
        if message is None:
            raise Stale(why)
        if why == "closed" and message.headers_done and not message.framed:
            self.close()
            return message.answer()
        message.body.drop()
        raise NoAnswer("malformed", f"answer cut short after {message.received} bytes: {why}")

    # What makes it a `NonBlockingReader`: the same exchange without waiting, on a connection that is open.

    def ready(self) -> bool:
        """Whether there is a connection on which `ask` may do without waiting. TLS may have to wait at any time."""
        return self._sock is not None and self._tls is None

    def ask(self) -> int | None:
        """Send the request; the descriptor to wait on, or None where a new connection is needed first."""
        if self._sock is None or self._tls is not None or self._poll.poll(0):
            return None
        try:
            if self._sock.gettimeout() != 0:
                self._sock.settimeout(0)
            if self._sock.send(self._request) != len(self._request):
                return None
        except OSError:
            return None  # the next `read` finds out why, or connects again
        self._message = None
        return self._sock.fileno()

    def collect(self) -> Answer | None:
        """The answer, if it is complete by now. Raises Stale."""
        if self._sock is None:
            raise Stale("nothing was asked")
        try:
            return self._receive(self._sock)
        except BlockingIOError:
            return None
        except Stale:
            self.close()
            raise
        except NoAnswer as failure:
            self.close()
            return Answer(failure.kind, note=failure.note)

    def overdue(self, timeout_s: float) -> Answer:
        """No whole answer within the limit. The connection is given up: a late answer must not be taken for another."""
        late = self._late(f"no whole answer within {timeout_s:g} s")
        self.close()
        return Answer(late.kind, note=late.note)
