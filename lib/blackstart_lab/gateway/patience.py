"""A time limit that counts the other side's time and not our own."""

import asyncio
from types import TracebackType

_TICKS = 5
_LONGEST = 1.6
"""However late the ticks came: so many times the limit is the end."""


class Limit:
    """Like `asyncio.timeout`, but it runs out after five ticks of its loop and not at one moment.

    A process that waits for the processor finds its answers and its alarm together, and would take the alarm first:
    a crowded machine would look like a Redis that is away, and open the breaker. A tick that came late has counted for
    no more than its own length.
    """

    def __init__(self, within_s: float) -> None:
        self._tick_s = within_s / _TICKS
        self._longest_s = within_s * _LONGEST
        self._scope = asyncio.timeout(None)

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ends = self._loop.time() + self._longest_s
        self._alarm = self._loop.call_later(self._tick_s, self._tick, _TICKS - 1)
        await self._scope.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._alarm.cancel()
        await self._scope.__aexit__(kind, error, trace)

    def _tick(self, left: int) -> None:
        """The last tick gives the loop one more round, in which an answer that is there already is taken."""
        now = self._loop.time()
        if left and now < self._ends:
            self._alarm = self._loop.call_later(min(self._tick_s, self._ends - now), self._tick, left - 1)
        else:
            self._alarm = self._loop.call_later(0, self._scope.reschedule, now)
