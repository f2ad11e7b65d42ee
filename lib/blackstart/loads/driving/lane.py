"""One connection of a burst: a request that waits for its last byte, and the answer to it."""

from __future__ import annotations

import asyncio
from typing import cast

import httptools
from multidict import CIMultiDict

from blackstart.clock import now_s
from blackstart.loads.driving.http import LONGEST_ANSWER
from blackstart.loads.driving.prepared import Prepared, Request


def wire(op: Prepared, request: Request) -> bytes:
    """The request as HTTP/1.1 bytes, for a connection that is used once."""
    body = request.body or b""
    default = op.port == (443 if op.tls else 80)
    host = f"[{op.host}]" if ":" in op.host else op.host
    lines = [f"{op.operation.method} {request.url.raw_path_qs} HTTP/1.1"]
    if "Host" not in request.headers:
        lines.append(f"Host: {host}" if default else f"Host: {host}:{op.port}")
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if body or op.operation.method in ("POST", "PUT", "PATCH"):
        lines.append(f"Content-Length: {len(body)}")
    lines.append("Connection: close")
    return "\r\n".join([*lines, "", ""]).encode("utf-8") + body


class Lane(asyncio.Protocol):
    """Holds back the last byte until `release`. `lost` says why no whole answer came; times are `clock.now_s()`."""

    def __init__(self) -> None:
        self.loaded_s: float | None = None
        self.end_s: float | None = None
        self.status: int | None = None
        self.headers: CIMultiDict[str] = CIMultiDict()
        self.body = bytearray()
        self.lost = ""
        self.over = False
        self._last = b""
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._writable = asyncio.Event()
        self._writable.set()
        self._finished = asyncio.Event()

    async def load(self, request: bytes) -> None:
        """Send all but the last byte. Raises ConnectionError where the connection is gone already."""
        if self._transport is None or self.over:
            raise ConnectionResetError(self.lost or "the connection was closed at once")
        self._transport.write(request[:-1])
        self._last = request[-1:]
        await self._writable.wait()
        self.loaded_s = now_s()

    def release(self) -> None:
        """Send the last byte."""
        if self._transport is not None and not self.over:
            self._transport.write(self._last)

    async def finished(self, within_s: float) -> None:
        """Wait for the answer, or for the time limit to be over."""
        if self.over:
            return
        try:
            async with asyncio.timeout(within_s):
                await self._finished.wait()
        except TimeoutError:
            self.lose(f"timed out after {within_s:g} s")

    def lose(self, why: str) -> None:
        """Give up on the answer. What has ended already stays as it is."""
        if not self.over:
            self.lost = why
            self._end()

    def close(self) -> None:
        """Give the connection back. Idempotent."""
        if self._transport is not None:
            self._transport.abort()

    # ------------------------------------------------ called by asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        # Everything must leave the process before the barrier, so nothing may count as sent while it waits here.
        self._transport.set_write_buffer_limits(0)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        if self.over:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.lose(f"not HTTP: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        self._writable.set()
        if self.status is not None and exc is None and not {"Content-Length", "Transfer-Encoding"} & set(self.headers):
            self.on_message_complete()  # an answer without a length ends with its connection
        self.lose(f"connection lost: {exc or 'the server closed it without an answer'}")

    # ------------------------------------------------ called by the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.add(name.decode("latin-1"), value.decode("latin-1"))

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self.body += body
        if len(self.body) > LONGEST_ANSWER:
            self.lose(f"the answer is longer than {LONGEST_ANSWER} bytes")

    def on_message_complete(self) -> None:
        if not self.over:
            self._end()

    def _end(self) -> None:
        self.over = True
        self.end_s = now_s()
        self._finished.set()
