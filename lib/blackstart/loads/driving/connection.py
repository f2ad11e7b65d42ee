"""One HTTP/1.1 connection that carries one exchange after the other.

Straight on asyncio's protocols with the parser of httptools: a client library costs more per request than everything
else together, and what it costs is taken from the punctuality of the load (see `benchmarks/load.py`).
"""

import asyncio
from typing import Protocol, cast

import httptools

LONGEST_ANSWER = 1 << 26
# What is kept of it; a body longer than this is one that was cut off.
LONGEST_KEPT = 1 << 20
Headers = list[tuple[bytes, bytes]]
# The selector loop fills and hands over a buffer in one go, so all connections may share one.
_BUFFER = memoryview(bytearray(1 << 18))
_LENGTHS = (b"content-length", b"transfer-encoding")


class Listener(Protocol):
    """Who waits for an answer. Exactly one of the two is called, once."""

    def answered(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer has come."""
        ...

    def lost(self, why: str) -> None:
        """No whole answer will come."""
        ...


class Connection(asyncio.BufferedProtocol):
    """A connection, open or closed. After an answer `reusable` says whether it may carry another exchange."""

    __slots__ = (
        "_body", "_head_only", "_headers", "_listener", "_parser", "_size", "_status", "_transport", "reusable",
    )  # fmt: skip

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._listener: Listener | None = None
        self._head_only = False
        self.reusable = False
        self._reset()

    def expect(self, listener: Listener, head_only: bool = False) -> None:
        """The next answer is for this listener; `head_only` where the request is a HEAD."""
        self._listener, self._head_only = listener, head_only

    def write(self, data: bytes) -> None:
        """Send; a failure is told to the listener."""
        if self._transport is None:
            self._lose("connection lost: it was closed at once")
        else:
            self._transport.write(data)

    def close(self) -> None:
        """Give it up at once, and the answer with it. Idempotent."""
        self._listener, self.reusable = None, False
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------ called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.reusable = True

    def get_buffer(self, sizehint: int) -> memoryview:
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        if self._listener is None:  # nobody asked: a server that says why it closes
            self.close()
            return
        try:
            self._parser.feed_data(_BUFFER[:nbytes])
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._lose(f"no HTTP answer: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport, self.reusable = None, False
        has_length = any(name.lower() in _LENGTHS for name, _ in self._headers)
        if self._status and exc is None and not has_length and self._listener is not None:
            self._finish()  # an answer without a length ends with its connection
        self._lose(f"connection lost: {exc or 'the server closed it without an answer'}")

    # ------------------------------------------------ called by the parser

    def on_message_begin(self) -> None:
        if self._listener is None:
            # Behind the answer stands another: it must not be taken for that to the next request.
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()
        if self._head_only and self._status >= 200:
            self.reusable = False  # the parser would wait for a body that does not come
            self._finish()

    def on_body(self, body: bytes) -> None:
        if self._size <= LONGEST_KEPT:
            self._body.append(body)
        self._size += len(body)
        if self._size > LONGEST_ANSWER:
            self._lose(f"the answer is longer than {LONGEST_ANSWER} bytes")

    def on_message_complete(self) -> None:
        if self._status < 200:  # 100 and 103 announce the answer
            self._reset()
        elif self._listener is not None:
            self.reusable = self.reusable and self._parser.should_keep_alive() and not self._half_sent()
            self._finish()

    def _half_sent(self) -> bool:
        """Whether the answer came before the request was sent whole: the next one would wait behind the rest of it."""
        return self._transport is not None and self._transport.get_write_buffer_size() > 0

    def _finish(self) -> None:
        listener, status, headers = self._listener, self._status, self._headers
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._listener = None
        self._reset()
        if listener is not None:
            listener.answered(status, headers, body)

    def _lose(self, why: str) -> None:
        listener, status = self._listener, self._status
        self.close()
        if listener is not None:
            listener.lost(f"{why}, after the head of an answer {status}" if status else why)

    def _reset(self) -> None:
        self._status, self._size = 0, 0
        self._headers: Headers = []
        self._body: list[bytes] = []
