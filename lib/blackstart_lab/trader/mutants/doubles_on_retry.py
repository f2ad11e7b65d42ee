"""Remembers only orders that it has answered: one whose answer was lost is placed again when the client retries."""

from typing import Any

from blackstart_lab.database import Database
from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import Order, OrderDesk, Placed

INSERT = """
INSERT INTO orders (client_order_id, side, quantity, price, status, token, instance_id)
VALUES (%s, %s, %s::numeric, %s::numeric, 'PLACED', %s::bigint, %s) RETURNING 'placed', order_id
"""


class DoublesOnRetry(OrderDesk):
    """Idempotency in memory, and none in the database."""

    EXTRA_SCHEMA = "ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_client_order_id_key;"

    _answered: dict[str, Placed]

    def __init__(self, database: Database, **others: Any) -> None:
        super().__init__(database, **others)
        self._answered = {}

    async def place(self, order: Order, order_type: str = "order") -> Placed:
        known = self._answered.get(order.client_order_id)
        if known:
            return Placed(known.order_id, duplicate=True)
        placed = await super().place(order, order_type)
        self._answered[order.client_order_id] = placed
        return placed

    async def write(self, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return await self.database.call(INSERT, values, again=True)


MUTANT = Mutant(
    summary="an order whose answer was lost is placed twice when it is retried",
    experiment="postgres-blip",
    options=("freeze",),  # a frozen server carries out on waking what was sent to it, after the client was told 503
    must_fail=("retry_not_doubled",),
    may_fail=("accepted_plans_land_once", "acknowledged_exactly_once"),
    parts={"orders": DoublesOnRetry},
)
