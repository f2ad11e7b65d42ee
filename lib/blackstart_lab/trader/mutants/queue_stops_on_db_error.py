"""The queue's worker stops at its first database error; plans are accepted and wait for ever."""

import asyncio

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import Order
from blackstart_lab.trader.throttle import Throttle


class QueueStopsOnDbError(Throttle):
    """Nobody notices: its depth grows, and all else goes on."""

    async def land(self, order: Order) -> None:
        try:
            await self.orders.place(order, "plan")
        except DatabaseUnavailable:
            await asyncio.Event().wait()


MUTANT = Mutant(
    summary="the worker of the plans' queue stops for ever at its first database error",
    experiment="postgres-blip",
    must_fail=("queue_drains",),
    parts={"throttle": QueueStopsOnDbError},
)
