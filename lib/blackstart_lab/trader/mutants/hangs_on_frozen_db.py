"""Waits for a frozen database without a limit, and lets its clients wait too."""

from typing import Any

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import PLACE, OrderDesk


class HangsOnFrozenDb(OrderDesk):
    """The statement has no time limit."""

    async def write(self, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return await self.database.call(PLACE, values, again=True, bounded=False)


MUTANT = Mutant(
    summary="an order waits for a frozen database without a limit",
    experiment="postgres-blip",
    options=("freeze",),
    must_fail=("order_refused_in_time",),
    may_fail=("accepted_plans_land_once", "health_healthy", "recovers"),
    parts={"orders": HangsOnFrozenDb},
)
