"""`python -m blackstart_lab.shop.event_consumer`: writes each event of the shop once."""

import sys
from collections.abc import Sequence

from blackstart_lab.shop import program
from blackstart_lab.shop.consumer_series import ConsumerSeries
from blackstart_lab.shop.service import Job, ShopService, run
from blackstart_lab.shop.settings import Settings


class EventConsumer(ShopService):
    """Without Kafka, or without its database, it is alive and not ready."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.source = self.parts["source"](settings.kafka, settings.promise)
        self.written = self.parts["written"](settings.dsn, settings.promise.db_timeout_s)
        counted = ConsumerSeries(self.series.registry)
        self.writer = self.parts["writer"](self.source, self.written, counted, self.log)

    def jobs(self) -> Sequence[Job]:
        return (*super().jobs(), self.writer.run, self.writer.look_after_the_database)

    async def needs(self) -> dict[str, str]:
        kafka = "up" if self.source.assigned else ""
        return {"kafka": kafka, "database": "up" if self.writer.database_is_up else ""}

    async def close(self) -> None:
        await self.source.close()
        await self.written.database.close()


if __name__ == "__main__":
    sys.exit(run(EventConsumer, program.settings()))
