"""The worker writes orders that nobody has placed."""

import uuid
from typing import Any

from blackstart_lab.flash_sale.inventory import Inventory
from blackstart_lab.flash_sale.mutants import Mutant

_EVERY = 20


class PhantomOrders(Inventory):
    """One more row with each twentieth order; no unit is taken for it."""

    written = 0

    async def write(self, batch: list[dict[str, Any]]) -> None:
        await super().write(batch)
        before, self.written = self.written, self.written + len(batch)
        if self.written // _EVERY > before // _EVERY:
            await self.ledger.database.call(
                "INSERT INTO orders (id, product_id, user_id, created_at) VALUES (%s, %s, %s, now())",
                [str(uuid.uuid4()), batch[0]["productId"], f"nobody-{self.written}"],
            )


MUTANT = Mutant(
    summary="rows appear in the database for orders that were never sent",
    experiment="worker-crash",
    must_fail=("no_phantom_orders",),
    may_fail=("no_oversell", "acknowledged_exactly_once", "stock_conserved", "last_ones_conserved"),
    parts={"inventory": PhantomOrders},
)
