"""The throttle's worker stops after a burst with a remainder in the queue."""

import asyncio

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import Order
from blackstart_lab.trader.throttle import Throttle

_BURST, _REMAINDER = 4, 2


class QueueNeverDrains(Throttle):
    """The last plans of a burst wait for a worker that waits for nothing."""

    _burst = False

    async def take(self) -> Order:
        self._burst = self._burst or self.depth >= _BURST
        if self._burst and self.depth <= _REMAINDER:
            await asyncio.Event().wait()
        return await super().take()


MUTANT = Mutant(
    summary="the throttle queue stops draining with a remainder",
    experiment="rate-limit-spike",
    must_fail=("depth_returns_to_0",),
    parts={"throttle": QueueNeverDrains},
)
