"""The more waits, the longer each batch takes."""

import asyncio
from dataclasses import dataclass
from typing import Any

from blackstart_lab.clock import now_s
from blackstart_lab.shop.event_source import EventSource
from blackstart_lab.shop.event_writer import EventWriter
from blackstart_lab.shop.mutants import Mutant

_TWICE_AS_LONG_AT = 1500
# What took longer has waited for events.
_BATCH_WITHIN_S = 0.5


class Behind(EventSource):
    """Knows how many are left. The broker is asked: what came with the last fetch may be as old as that."""

    left = 0

    async def poll(self) -> list[dict[str, Any]]:
        batch = await super().poll()
        self.left = await self._call(self._count) if batch else 0
        return batch

    def _count(self) -> int:
        consumer = self._consumer
        ends = consumer.end_offsets(consumer.assignment())
        return sum(end - consumer.position(at) for at, end in ends.items())


@dataclass
class SlowsWithBacklog(EventWriter):
    """As one that keeps in memory what waits, and swaps: all that a batch takes grows, whatever the machine's pace."""

    source: Behind
    over_s: float = 0.0

    async def write(self, batch: list[dict[str, Any]]) -> None:
        await super().write(batch)
        took_s = min(now_s() - self.over_s, _BATCH_WITHIN_S)  # with the commit of the one before, and the fetch
        await asyncio.sleep(took_s * self.source.left / _TWICE_AS_LONG_AT)
        self.over_s = now_s()


MUTANT = Mutant(
    summary="the longer the backlog, the slower it is worked off",
    experiment="event-storm",
    must_fail=("recovery_in_proportion",),
    may_fail=("lag_returns_to_0",),
    parts={"source": Behind, "writer": SlowsWithBacklog},
)
