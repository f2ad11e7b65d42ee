"""The page of a program's metrics."""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest


class Page:
    """Answers with the text format, as Prometheus scrapes it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def text(self) -> bytes:
        """The page as it is now."""
        return generate_latest(self._registry)

    def answer(self) -> web.Response:
        """The page and its head."""
        return web.Response(body=self.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
