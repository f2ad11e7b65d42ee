"""`python -m blackstart_lab.flash_sale.worker`: the inventory worker, as the supervisor starts it."""

import asyncio
import logging
import sys

from aiohttp import web

from blackstart_lab import serving
from blackstart_lab.event_log import EventLog
from blackstart_lab.flash_sale import program, seams
from blackstart_lab.flash_sale.promise import Settings
from blackstart_lab.flash_sale.series import WorkerSeries

log = logging.getLogger("sale")


class Worker:
    """The loop, and what tells of it."""

    def __init__(self, settings: Settings) -> None:
        kind, self.settings = seams.kinds(settings), settings
        self.instance_id = seams.new_instance_id()
        self.events = EventLog(settings.events, self.instance_id, log)
        self.series = WorkerSeries()
        self.source = kind["source"](settings.kafka, settings.promise, settings.topic, settings.group)
        self.ledger = kind["ledger"](settings.dsn, settings.promise.db_timeout_s)
        self.inventory = kind["inventory"](self.source, self.ledger, self.series, self.events)

    async def health(self, _: web.Request) -> web.Response:
        """That it answers, and what it has to work with."""
        body = {
            "status": "ok",
            "instance": self.instance_id,
            "kafka": "up" if self.source.assigned else "down",
            "partitions": self.source.assigned,
            "database": "up" if self.inventory.database_is_up else "down",
        }
        return web.json_response(body)

    async def run(self) -> int:
        """Until it is told to stop."""
        self.events.write("started", mutant=self.settings.mutant)
        app = web.Application()
        app.add_routes([web.get("/health", self.health), web.get("/metrics", self.series.page)])
        jobs = (self.inventory.run, self.inventory.look_after_the_database)
        code = await serving.serve(app, self.settings.host, self.settings.port, jobs)
        await self.source.close()
        await self.ledger.database.close()
        return code


if __name__ == "__main__":
    sys.exit(asyncio.run(Worker(program.settings("worker")).run()))
