"""Places whatever is sent: an order that is sent again is another order."""

from typing import Any

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import OrderDesk

_INSERT = """
INSERT INTO orders (client_order_id, side, quantity, price, status, token, instance_id)
VALUES (%s, %s, %s::numeric, %s::numeric, 'PLACED', %s::bigint, %s) RETURNING 'placed', order_id
"""


class NoUniqueKey(OrderDesk):
    """The client's key is a column like any other. Clean in an outage: what was refused was never written."""

    EXTRA_SCHEMA = "ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_client_order_id_key;"

    async def write(self, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return await self.database.call(_INSERT, values)


MUTANT = Mutant(
    summary="an order that is sent again after its acknowledgement is placed again",
    experiment="postgres-blip",
    must_fail=("acknowledged_exactly_once", "retry_not_doubled"),
    may_fail=("accepted_plans_land_once",),
    parts={"orders": NoUniqueKey},
)
