"""The worker's loop: a batch from Kafka, one transaction, and only then its offsets."""

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass
from typing import Any

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.event_log import EventLog
from blackstart_lab.flash_sale.ledger import KNOWN, REFUSED, WRITTEN, Ledger
from blackstart_lab.flash_sale.order_source import OrderSource
from blackstart_lab.flash_sale.series import WorkerSeries

log = logging.getLogger("sale.worker")

_AGAIN_S = 0.5
_ALIVE_EVERY_S = 0.5


@dataclass
class Inventory:
    """Whatever is down is waited for. It polls all the time, so that it stays a member of its group meanwhile."""

    source: OrderSource
    ledger: Ledger
    series: WorkerSeries
    events: EventLog
    database_is_up: bool = False

    async def run(self) -> None:
        """For ever."""
        await self.source.connect()
        while True:
            batch = await self.source.poll()
            if batch:
                await self.work_off(batch)

    async def work_off(self, batch: list[dict[str, Any]]) -> None:
        """Write it, then say so to Kafka. Without the database it is read again from where it began."""
        try:
            await self.write(batch)
        except DatabaseUnavailable as error:
            self.noted(False, str(error))
            await self.source.rewind()
            await asyncio.sleep(_AGAIN_S)
            return
        self.noted(True)
        await self.source.commit()

    async def write(self, batch: list[dict[str, Any]]) -> None:
        """One transaction. That a batch comes a second time changes nothing: its orders are known by their ids."""
        outcomes = Counter(await self.ledger.persist(batch))
        self.series.processed.inc(outcomes[WRITTEN])
        self.series.known.inc(outcomes[KNOWN])
        self.series.refused.inc(outcomes[REFUSED])
        if outcomes[REFUSED]:
            log.warning("%s orders were refused: no stock, no such product, or of another sale", outcomes[REFUSED])

    async def look_after_the_database(self) -> None:
        """For ever: what /health says of it while there is nothing to write."""
        while True:
            try:
                await self.ledger.ask()
            except DatabaseUnavailable as error:
                self.noted(False, str(error))
            else:
                self.noted(True)
            await asyncio.sleep(_ALIVE_EVERY_S)

    def noted(self, up: bool, why: str = "") -> None:
        """Remember, and on a change tell, whether the database answers."""
        if up == self.database_is_up:
            return
        self.database_is_up = up
        self.series.database_up.set(up)
        self.events.write("database_up" if up else "database_lost")
        if not up:
            log.error("the database is away, orders wait in Kafka: %s", why)
