"""The worker's offsets go forward with each poll, whether the write that follows succeeds or not."""

from typing import Any

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.flash_sale.inventory import Inventory
from blackstart_lab.flash_sale.mutants import Mutant


class CommitsBeforeWrite(Inventory):
    """A batch that can't be written is not read again."""

    async def work_off(self, batch: list[dict[str, Any]]) -> None:
        await self.source.commit()
        try:
            await self.write(batch)
        except DatabaseUnavailable as error:
            self.noted(False, str(error))
        else:
            self.noted(True)


MUTANT = Mutant(
    summary="offsets are committed before the write: what comes while the database is away is lost",
    experiment="database-down",
    must_fail=("acknowledged_exactly_once",),
    may_fail=("stock_conserved", "last_ones_conserved", "backlog_drains"),
    parts={"inventory": CommitsBeforeWrite},
)
