"""A pool that has failed once stays broken."""

from collections.abc import Sequence

from blackstart_lab.database import Rows
from blackstart_lab.shop.exceptions import NoDatabase
from blackstart_lab.shop.mutants import Mutant
from blackstart_lab.shop.records import Records


class NeverReconnects(Records):
    """Until the program is started again."""

    _worked = _broken = False

    async def ask(self, sql: str, values: Sequence[object] = (), *, again: bool = True) -> Rows:
        if self._broken:
            raise NoDatabase("PostgreSQL: the pool is broken")
        try:
            rows = await super().ask(sql, values, again=again)
        except NoDatabase:
            self._broken = self._worked
            raise
        self._worked = True
        return rows


MUTANT = Mutant(
    summary="connections to the database never come back once one could not be had",
    experiment="connection-exhaustion",
    must_fail=("order_well_again",),
    may_fail=(
        "inventory_1_well_again",
        "inventory_2_well_again",
        "orders_confirmed_again",
        "orders_stay_confirmed",
        "confirmed_orders_told",
    ),
    parts={"records": NeverReconnects},
)
