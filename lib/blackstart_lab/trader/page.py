"""The page at `/metrics`."""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from blackstart_lab.trader.metrics import Metrics


class Page:
    """Answers with the text format, as Prometheus scrapes it."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics

    def text(self) -> bytes:
        """The page as it is now."""
        return generate_latest(self.metrics.registry)

    def answer(self) -> web.Response:
        """The page and its head."""
        return web.Response(body=self.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
