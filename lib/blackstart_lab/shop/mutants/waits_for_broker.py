"""An order is answered once Kafka has its events."""

import asyncio

from blackstart_lab.shop.mutants import Mutant
from blackstart_lab.shop.orders import Order, Orders

_LOOK_AGAIN_S = 0.02


class WaitsForBroker(Orders):
    """However long that takes."""

    async def place(self, order: Order) -> Order:
        placed = await super().place(order)
        while any(event.order_id == order.id for event in self.events.waiting):
            await asyncio.sleep(_LOOK_AGAIN_S)
        return placed


MUTANT = Mutant(
    summary="orders wait for the broker: while it is away clients get no answer",
    experiment="broker-partition",
    must_fail=("answered_meanwhile",),
    may_fail=("answered_in_time", "refused_clearly", "queue_fills"),
    parts={"orders": WaitsForBroker},
)
