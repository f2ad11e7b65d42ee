"""Once the database was away, every other order waits for an answer that nobody will give."""

import asyncio
from typing import Any

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import OrderDesk


class HalfHangs(OrderDesk):
    """Half of the connections are waited for without a limit."""

    _failed = False
    _turn = 0

    async def write(self, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        self._turn += 1
        if self._failed and self._turn % 2:
            await asyncio.Event().wait()
        try:
            return await super().write(values)
        except DatabaseUnavailable:
            self._failed = True
            raise


MUTANT = Mutant(
    summary="half of the orders hang from the first database error on",
    experiment="postgres-blip",
    must_fail=("orders_stay_accepted",),
    # In the outage itself only where we are not late ourselves.
    may_fail=("accepted_plans_land_once", "order_refused_in_time", "queue_drains", "recovers"),
    parts={"orders": HalfHangs},
)
