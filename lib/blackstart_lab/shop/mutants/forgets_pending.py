"""Who was answered 202 waits for ever."""

import asyncio

from blackstart_lab.shop.mutants import Mutant
from blackstart_lab.shop.orders import Orders


class ForgetsPending(Orders):
    """Nobody comes back to an order that could not be settled at once."""

    async def settle_left(self) -> None:
        await asyncio.Event().wait()


MUTANT = Mutant(
    summary="orders that were taken as pending are never settled",
    experiment="cascading-failure",
    must_fail=("pending_settled",),
    may_fail=("confirmed_orders_told",),
    parts={"orders": ForgetsPending},
)
