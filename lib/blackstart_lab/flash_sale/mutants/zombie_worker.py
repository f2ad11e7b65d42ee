"""A worker that was started before is alive and well, says so, and reads nothing."""

import asyncio

from blackstart_lab.flash_sale.inventory import Inventory
from blackstart_lab.flash_sale.mutants import Mutant


class ZombieWorker(Inventory):
    """Only the first of its starts reads orders."""

    async def run(self) -> None:
        if self.events.count("started") > 1:
            await asyncio.Event().wait()
        await super().run()


MUTANT = Mutant(
    summary="after a restart the worker lives, answers /health and never reads an order",
    experiment="worker-crash",
    must_fail=("backlog_drains",),
    may_fail=("acknowledged_exactly_once", "catches_up", "stock_conserved", "last_ones_conserved"),
    parts={"inventory": ZombieWorker},
    remembers=True,
)
