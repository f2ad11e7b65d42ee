"""The stock is read, and a moment later written one smaller: who reads in between sells the same unit."""

import asyncio

from blackstart_lab.flash_sale.ledger import Ledger
from blackstart_lab.flash_sale.mutants import Mutant
from blackstart_lab.flash_sale.reservations import TAKEN, Order, Reservations, Taken

_BETWEEN_S = 0.05


class GetThenSet(Reservations):
    """The script still counts a unit; what it left is overwritten with what was seen before."""

    async def take(self, order: Order, *, gated: bool = True, new: bool = True) -> Taken:
        stock = f"product:{order.product}:stock"
        seen = await self.ask(self.redis.get(stock))
        taken = await super().take(order, gated=gated, new=new)
        if taken.outcome == TAKEN and seen is not None:
            await asyncio.sleep(_BETWEEN_S)
            await self.ask(self.redis.set(stock, int(seen) - 1))
        return taken


class TrustsRedis(Ledger):
    """No second look at the stock: an order is written whatever is left."""

    EXTRA_SCHEMA = """
CREATE OR REPLACE FUNCTION persist_order(
    its_id text, its_product text, its_user text, its_time timestamptz, its_sale text
) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders (id, product_id, user_id, created_at)
        VALUES (its_id, its_product, its_user, its_time) ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN
        RETURN 'known';
    END IF;
    UPDATE products SET stock = greatest(stock - 1, 0) WHERE id = its_product;
    RETURN 'written';
END $$;
"""


MUTANT = Mutant(
    summary="stock is read and then set: units are sold twice under load",
    experiment="worker-crash",
    must_fail=("stock_conserved",),
    may_fail=("no_oversell", "last_ones_conserved"),  # where two ask for one of the last units within 50 ms
    parts={"reservations": GetThenSet, "ledger": TrustsRedis},
)
