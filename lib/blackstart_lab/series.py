"""The series of a program's `/metrics`."""

import psutil
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, disable_created_metrics, generate_latest

disable_created_metrics()


class Series:
    """One registry for one program."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        started = Gauge("process_start_time_seconds", "Start of the process since 1970", registry=self.registry)
        started.set(psutil.Process().create_time())

    async def page(self, _: web.Request) -> web.Response:
        """GET /metrics."""
        return web.Response(body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})
