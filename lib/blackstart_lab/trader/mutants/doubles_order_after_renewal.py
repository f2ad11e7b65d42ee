"""Keeps what the broker refused with the old token and sends it with the new one; its client does so, too."""

import asyncio

from blackstart_lab.trader.brokered import BrokeredOrders
from blackstart_lab.trader.errors import BrokerUnavailable
from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import Order, Placed

_LOOK_AGAIN_S = 0.05


class DoublesAfterRenewal(BrokeredOrders):
    """Answers that it did not work, and means to do it all the same."""

    async def place(self, order: Order, order_type: str = "order") -> Placed:
        try:
            return await super().place(order, order_type)
        except BrokerUnavailable:
            if order_type == "order":
                kept = asyncio.create_task(self._later(order))
                self._kept.add(kept)
                kept.add_done_callback(self._kept.discard)
            raise

    async def _later(self, order: Order) -> None:
        while self.session.token is None:
            await asyncio.sleep(_LOOK_AGAIN_S)
        await self.session.place(order)

    @property
    def _kept(self) -> set[asyncio.Task[None]]:
        return self.__dict__.setdefault("_tasks", set())


MUTANT = Mutant(
    summary="an order that was refused with the old token is sent by itself with the new one, and once more for its "
    "client",
    experiment="token-expiry",
    broker=True,
    must_fail=("acknowledged_exactly_once",),
    may_fail=("retry_not_doubled",),
    parts={"orders": DoublesAfterRenewal},
)
