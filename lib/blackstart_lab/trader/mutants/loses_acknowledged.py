"""Acknowledges every other order of an outage from memory, means to write it later, and never does."""

from typing import Any

from blackstart_lab.database import Database, DatabaseUnavailable
from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import Order, OrderDesk, Placed


class LosesAcknowledged(OrderDesk):
    """Answers 201 without a commit."""

    _promised: dict[str, Placed]

    def __init__(self, database: Database, **others: Any) -> None:
        super().__init__(database, **others)
        self._promised = {}
        self._failures = 0

    async def place(self, order: Order, order_type: str = "order") -> Placed:
        promised = self._promised.get(order.client_order_id)
        if promised:
            return Placed(promised.order_id, duplicate=True)
        try:
            return await super().place(order, order_type)
        except DatabaseUnavailable:
            self._failures += order_type == "order"
            if order_type != "order" or self._failures % 2 == 0:
                raise
            self._promised[order.client_order_id] = Placed(order_id=1_000_000 + self._failures, duplicate=False)
            return self._promised[order.client_order_id]


MUTANT = Mutant(
    summary="orders are acknowledged during an outage of the database and never written",
    experiment="postgres-blip",
    must_fail=("acknowledged_exactly_once",),
    may_fail=("order_refused_in_time",),
    parts={"orders": LosesAcknowledged},
)
