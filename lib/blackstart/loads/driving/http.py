"""One attempt at one request through aiohttp, and what became of it."""

from __future__ import annotations

import asyncio
import errno

import aiohttp

from blackstart.clock import now_s
from blackstart.history import Outcome, Row
from blackstart.loads.driving.prepared import Prepared, Request

LONGEST_ANSWER = 1 << 20
# Refusals of our own machine: nothing was sent, and the system under test had no part in it.
_OURS = (errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM)


class Http:
    """A client without limits of its own: no pool size, no cookies, no redirects, no silent second attempt."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
            auto_decompress=False,
        )
        # aiohttp sends an idempotent request again by itself when a kept connection turns out dead; that would be a
        # request without a row, and would hide the lost connection.
        self._session._retry_connection = False

    async def close(self) -> None:
        """Give the connections back."""
        await self._session.close()

    async def attempt(self, op: Prepared, request: Request, key: str, attempt: int, intended_s: float) -> Row:
        """Send the request once. The row says what is known of it, whatever happened; cancelled means cut."""
        status: int | None = None
        instance, start_s = "", now_s()
        try:
            async with asyncio.timeout(op.operation.timeout_s):
                response = await self._session.request(
                    op.operation.method, request.url, headers=request.headers, data=request.body, allow_redirects=False
                )
                status = response.status
                length = response.content_length
                body = await (response.read() if length is not None and length <= LONGEST_ANSWER else _whole(response))
            end_s = now_s()
            outcome, instance, detail = op.judge(status, response.headers, body)
        except (TimeoutError, OSError, aiohttp.ClientError, ValueError, asyncio.CancelledError) as error:
            end_s = now_s()
            outcome, detail = _fate(error, op.operation.timeout_s)
            if status is not None:  # the head of an answer is no answer
                status, detail = None, f"{detail}, after the head of an answer {status}"
            if _ours(error):
                name = op.operation.name
                return Row(
                    name, key, attempt, intended_s, None, None, "fail", None, "", f"unsent: {detail}", self._worker
                )
        return Row(
            op.operation.name, key, attempt, intended_s, start_s, end_s, outcome, status, instance, detail, self._worker
        )


def _ours(error: BaseException) -> bool:
    return isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno in _OURS


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    held = bytearray()
    async for chunk in response.content.iter_any():
        held += chunk
        if len(held) > LONGEST_ANSWER:
            response.close()
            raise ValueError(f"the answer is longer than {LONGEST_ANSWER} bytes")
    return bytes(held)


def _fate(error: BaseException, timeout_s: float) -> tuple[Outcome, str]:
    """What a failed attempt says about the request: never connected is certain, anything later is not."""
    if isinstance(error, asyncio.CancelledError):
        return "info", "cut: the load had to end"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "fail", f"no connection: {error.os_error.strerror or error.os_error or error}"
    if isinstance(error, aiohttp.InvalidURL):
        return "fail", f"no request: {error}"
    if isinstance(error, TimeoutError):
        return "info", f"timed out after {timeout_s:g} s"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "info", "connection lost: the server closed it without an answer"
    return "info", f"connection lost: {error or type(error).__name__}"
