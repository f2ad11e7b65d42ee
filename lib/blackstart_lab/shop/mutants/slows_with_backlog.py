"""The more waits, the longer each batch takes."""

import asyncio
from dataclasses import dataclass
from typing import Any

from blackstart_lab.clock import now_s
from blackstart_lab.shop.event_source import EventSource
from blackstart_lab.shop.event_writer import EventWriter
from blackstart_lab.shop.mutants import Mutant

_TWICE_AS_LONG_AT = 300


class Behind(EventSource):
    """Knows how many are left in the partitions that it has read last."""

    left = 0

    async def poll(self) -> list[dict[str, Any]]:
        batch = await super().poll()
        ends = {at: self._consumer.highwater(at) or 0 for at in self._ended}
        self.left = sum(max(0, ends[at] - done.offset) for at, done in self._ended.items())
        return batch


@dataclass
class SlowsWithBacklog(EventWriter):
    """As one that keeps in memory what waits, and swaps."""

    source: Behind

    async def write(self, batch: list[dict[str, Any]]) -> None:
        began_s = now_s()
        await super().write(batch)
        await asyncio.sleep((now_s() - began_s) * self.source.left / _TWICE_AS_LONG_AT)


MUTANT = Mutant(
    summary="the longer the backlog, the slower it is worked off",
    experiment="event-storm",
    must_fail=("recovery_in_proportion",),
    may_fail=("lag_returns_to_0",),
    parts={"source": Behind, "writer": SlowsWithBacklog},
)
