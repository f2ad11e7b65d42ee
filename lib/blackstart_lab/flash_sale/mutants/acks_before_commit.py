"""The worker tells Kafka that a batch is done, and then writes it, order by order."""

import asyncio
from typing import Any

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.flash_sale.inventory import Inventory
from blackstart_lab.flash_sale.mutants import Mutant


class AcksBeforeCommit(Inventory):
    """What it had in hand when it was killed is nowhere."""

    async def work_off(self, batch: list[dict[str, Any]]) -> None:
        await self.source.commit()
        for order in batch:
            while True:
                try:
                    await self.write([order])
                    break
                except DatabaseUnavailable as error:
                    self.noted(False, str(error))
                    await asyncio.sleep(0.5)
            self.noted(True)


MUTANT = Mutant(
    summary="the worker commits a batch's offsets before the transaction: a kill in between loses orders",
    experiment="worker-crash",
    must_fail=("acknowledged_exactly_once",),
    may_fail=("stock_conserved", "last_ones_conserved", "backlog_drains", "catches_up"),
    parts={"inventory": AcksBeforeCommit},
)
