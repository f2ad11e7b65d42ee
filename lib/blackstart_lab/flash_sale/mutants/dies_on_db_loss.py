"""A lost database ends the worker, for good."""

import os
from typing import Any

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.flash_sale.inventory import Inventory
from blackstart_lab.flash_sale.mutants import Mutant

_GIVEN_UP = 3  # the supervisor takes this for a start that would fail again


class DiesOnDbLoss(Inventory):
    """Exits on the first write that fails."""

    async def write(self, batch: list[dict[str, Any]]) -> None:
        try:
            await super().write(batch)
        except DatabaseUnavailable:
            self.events.write("given_up")
            os._exit(_GIVEN_UP)


MUTANT = Mutant(
    summary="the worker exits when the database is away, and stays down",
    experiment="database-down",
    must_fail=("worker_same_process", "others_as_before"),
    may_fail=("acknowledged_exactly_once", "backlog_drains", "catches_up", "stock_conserved", "last_ones_conserved"),
    parts={"inventory": DiesOnDbLoss},
)
