"""Events of the shop on their way to the broker."""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from blackstart_lab.shop.counters import ShopSeries
from blackstart_lab.shop.exceptions import QueueFull
from blackstart_lab.shop.settings import Settings


class Events:
    """A bounded queue in front of the broker."""

    def __init__(self, settings: Settings, series: ShopSeries) -> None:
        self.settings, self.series = settings, series
        self._waiting: deque[tuple[str, Mapping[str, Any], str]] = deque(maxlen=settings.promise.queue_bound)

    @contextmanager
    def claim(self, count: int) -> Iterator["Events"]:
        """Raises QueueFull."""
        bound = self.settings.promise.queue_bound
        if count > bound:
            raise QueueFull(f"{bound} events wait for the broker")
        yield self

    def put(self, event_type: str, data: Mapping[str, Any], correlation_id: str) -> None:
        """Never waits."""
        self._waiting.append((event_type, data, correlation_id))
        self.series.queued.set(len(self._waiting))

    async def put_when_room(self, event_type: str, data: Mapping[str, Any], correlation_id: str) -> None:
        """For what has happened whether there is room or not."""
        self.put(event_type, data, correlation_id)
