"""Orders are accepted again after an outage of the database, and refused once more 1.5 s later, for two seconds."""

from typing import Any

from blackstart_lab.clock import now_s
from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orders import OrderDesk

_WELL_FOR_S = 1.5
_AWAY_FOR_S = 2.0


class Relapses(OrderDesk):
    """What all the clients that come back at once do to a small pool, once."""

    _failed = False
    _again_s: float | None = None

    async def write(self, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        since_s = None if self._again_s is None else now_s() - self._again_s
        if since_s is not None and _WELL_FOR_S <= since_s < _WELL_FOR_S + _AWAY_FOR_S:
            raise DatabaseUnavailable("no connection is free")
        try:
            written = await super().write(values)
        except DatabaseUnavailable:
            self._failed = True
            raise
        if self._failed and self._again_s is None:
            self._again_s = now_s()
        return written


MUTANT = Mutant(
    summary="1.5 s after orders are accepted again they are refused for 2 s, as if the pool were empty",
    experiment="postgres-blip",
    must_fail=("orders_stay_accepted",),
    parts={"orders": Relapses},
)
