"""Remembers only orders whose answer came: one that was written, and whose answer was lost, is written once more."""

from typing import Any

from blackstart_lab.trader.brokered import BrokeredOrders
from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.mutants.doubles_on_retry import INSERT
from blackstart_lab.trader.orders import Order, Placed


class DoublesOnLostAnswer(BrokeredOrders):
    """Idempotency in memory, and none in the database."""

    EXTRA_SCHEMA = "ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_client_order_id_key;"

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._answered: dict[str, Placed] = {}

    async def place(self, order: Order, order_type: str = "order") -> Placed:
        known = self._answered.get(order.client_order_id)
        if known:
            return Placed(known.order_id, duplicate=True)
        self._answered[order.client_order_id] = placed = await super().place(order, order_type)
        return placed

    async def write(self, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return await self.database.call(INSERT, values)


MUTANT = Mutant(
    summary="an order whose answer the partition swallowed is placed twice when it is retried",
    experiment="partition",
    options=("postgres-answers-lost",),
    broker=True,
    must_fail=("retry_not_doubled",),
    may_fail=("acknowledged_exactly_once",),
    parts={"orders": DoublesOnLostAnswer},
)
