"""A database error while placing an order ends the process; the supervisor hides it by starting a new one."""

import os
from typing import Any

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import OrderDesk


class CrashOnDbError(OrderDesk):
    """Dies instead of answering 503."""

    async def write(self, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            return await super().write(values)
        except DatabaseUnavailable:
            os._exit(70)


MUTANT = Mutant(
    summary="the process dies on a database error, and is restarted at once",
    experiment="postgres-blip",
    must_fail=("no_crash", "same_instance"),
    may_fail=("accepted_plans_land_once", "health_healthy", "order_refused_in_time", "recovers"),
    parts={"orders": CrashOnDbError},
)
