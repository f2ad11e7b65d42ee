"""A time limit that counts the other side's time and not our own."""

import asyncio
from types import TracebackType

_LATE_S = 0.005
_GRACE_S = 0.01


class Limit:
    """Like `asyncio.timeout`, but a limit whose alarm came late runs once more for 10 ms.

    A process that did not get the processor for a while finds its answers and its alarm together, and would take
    the alarm first: a crowded machine would look like a Redis that is away, and open the breaker.
    """

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._scope = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + self._within_s
        self._alarm = self._loop.call_at(self._due, self._ring, True)
        await self._scope.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._alarm.cancel()
        await self._scope.__aexit__(kind, error, trace)

    def _ring(self, again: bool) -> None:
        if again and self._loop.time() - self._due > _LATE_S:
            self._alarm = self._loop.call_later(_GRACE_S, self._ring, False)
        else:
            self._scope.reschedule(self._loop.time())
