"""One connection of a burst: a request that waits for its last byte, and the answer to it."""

import asyncio

from blackstart.base.clock import now_s
from blackstart.evidence.history import GIVEN_UP
from blackstart.loads.driving.connection import Connection, Headers


class Lane:
    """Holds back the last byte until `release`. `why` says why no whole answer came; times are `clock.now_s()`."""

    def __init__(self) -> None:
        self.loaded_s: float | None = None
        self.end_s: float | None = None
        self.answer: tuple[int, Headers, bytes] | None = None
        self.why = ""
        self._last = b""
        self._connection: Connection | None = None
        self._finished = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether its answer has come, or never will."""
        return self._finished.is_set()

    def hasty(self, released_s: float) -> bool:
        """Whether it was over before its last byte was let go."""
        return self.end_s is not None and self.end_s < released_s

    def load(self, connection: Connection, request: bytes, head_only: bool) -> None:
        """Send all but the last byte."""
        self._connection = connection
        connection.expect(self, head_only)
        connection.write(request[:-1])
        self._last = request[-1:]
        self.loaded_s = now_s()

    def release(self) -> None:
        """Send the last byte."""
        if self._connection is not None and not self.over:
            self._connection.write(self._last)

    async def finished(self, within_s: float) -> None:
        """Wait for the answer, or for the time limit to be over."""
        try:
            async with asyncio.timeout(within_s):
                await self._finished.wait()
        except TimeoutError:
            self.lost(f"{GIVEN_UP}{within_s:g} s")

    def answered(self, status: int, headers: Headers, body: bytes) -> None:
        """A whole answer."""
        if not self.over:
            self.end_s, self.answer = now_s(), (status, headers, body)
            self._finished.set()

    def lost(self, why: str) -> None:
        """Give up on the answer. What has ended already stays as it is."""
        if not self.over:
            self.end_s, self.why = now_s(), why
            self._finished.set()

    def close(self) -> None:
        """Give the connection back. Idempotent."""
        if self._connection is not None:
            self._connection.close()
