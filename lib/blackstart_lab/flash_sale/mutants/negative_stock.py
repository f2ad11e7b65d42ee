"""The stock is counted down for each order that asks, also when there is none."""

from blackstart_lab.flash_sale.mutants import Mutant
from blackstart_lab.flash_sale.reservations import SOLD_OUT, Order, Reservations, Taken


class CountsBelowZero(Reservations):
    """Who comes too late is told so, and has taken a unit all the same."""

    async def take(self, order: Order, *, gated: bool = True, new: bool = True) -> Taken:
        taken = await super().take(order, gated=gated, new=new)
        if taken.outcome == SOLD_OUT:
            await self.ask(self.redis.decr(f"product:{order.product}:stock"))
        return taken


MUTANT = Mutant(
    summary="the stock in Redis falls below 0 once everything is sold",
    experiment="worker-crash",
    must_fail=("no_oversell", "last_ones_conserved"),
    may_fail=("stock_conserved",),
    parts={"reservations": CountsBelowZero},
)
