"""Events that Kafka has not got yet: a bounded queue in memory, replayed in its order for as long as it takes."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from prometheus_client import Counter

from blackstart_lab.shop.counters import ShopSeries
from blackstart_lab.shop.event import Event
from blackstart_lab.shop.event_topic import EventTopic
from blackstart_lab.shop.exceptions import QueueFull
from blackstart_lab.shop.settings import Settings

log = logging.getLogger("shop.events")

_AT_ONCE = 100
_AGAIN_S = 0.3


class Room:
    """Places in the queue that are kept for one request, so that it never does what it could not tell of."""

    def __init__(self, events: "Events", count: int) -> None:
        self._events = events
        self.left = count

    def put(self, event_type: str, data: Mapping[str, Any], correlation_id: str) -> None:
        """At one of the places. Raises ValueError where none is left."""
        if not self.left:
            raise ValueError(f"no room was claimed for {event_type}")
        self.left -= 1
        self._events.claimed -= 1
        self._events.append(Event(event_type, correlation_id, data))


class Events:
    """Nobody but `replay` waits for Kafka. What is full refuses work before it is done: no event is ever dropped."""

    TOPIC = EventTopic

    def __init__(self, settings: Settings, series: ShopSeries) -> None:
        self.topic = self.TOPIC(settings.kafka, settings.promise)
        self.bound = settings.promise.queue_bound
        self.claimed = 0
        self.late = False
        self.waiting: deque[Event] = deque()
        self._series = series
        kept = {"registry": series.registry}
        self._replayed = Counter("shop_events_replayed", "Events that Kafka did not get at first", **kept)
        self._refused = Counter("shop_events_refused", "Requests refused for a full queue", **kept)
        self.missed = 0  # so many of the first ones were there when Kafka did not answer
        self._came, self._went = asyncio.Event(), asyncio.Event()

    @property
    def depth(self) -> int:
        """How many Kafka has not got, as far as is known."""
        return len(self.waiting)

    @property
    def ready(self) -> bool:
        """Whether Kafka took the last ones that it was given."""
        return bool(self.topic.ready) and not self.late

    def has_room(self, count: int) -> bool:
        """For so many more, beside those that are promised a place."""
        return self.depth + self.claimed + count <= self.bound

    @contextmanager
    def claim(self, count: int) -> Iterator[Room]:
        """Keep so many places while the block runs; what is not used is given back. Raises QueueFull."""
        if not self.has_room(count):
            self._refused.inc()
            raise QueueFull(f"{self.depth} of {self.bound} events wait for Kafka")
        room = Room(self, count)
        self.claimed += count
        try:
            yield room
        finally:
            self.claimed -= room.left
            room.left = 0
            self._went.set()

    def put(self, event_type: str, data: Mapping[str, Any], correlation_id: str) -> None:
        """One event, at once. Raises QueueFull."""
        with self.claim(1) as room:
            room.put(event_type, data, correlation_id)

    async def put_when_room(self, event_type: str, data: Mapping[str, Any], correlation_id: str) -> None:
        """For what has happened whether there is room or not: it is told as soon as there is."""
        while not self.has_room(1):
            self._went.clear()
            await self._went.wait()
        self.append(Event(event_type, correlation_id, data))

    def append(self, event: Event) -> None:
        """At the end, unless it waits already."""
        if any(one.event_id == event.event_id for one in self.waiting):
            return
        self.waiting.append(event)
        self._series.queued.set(self.depth)
        self._came.set()

    async def replay(self) -> None:
        """For ever: give Kafka what waits. What it does not say that it has is given to it again, before what follows
        of the same order."""
        keeping = asyncio.create_task(self.topic.keep_connected())
        try:
            while True:
                while not self.waiting:
                    self._came.clear()
                    await self._came.wait()
                chunk = self.next_chunk(self.waiting)
                self.settle(chunk, await asyncio.gather(*map(self.topic.delivered, chunk)))
                if self.late:
                    await asyncio.sleep(_AGAIN_S)
        finally:
            keeping.cancel()

    def next_chunk(self, events: Sequence[Event]) -> list[Event]:
        """The first ones, up to where an order is there a second time: of two under way Kafka might get the second
        alone."""
        chunk: dict[str, Event] = {}
        for event in events:
            if event.order_id in chunk or len(chunk) == _AT_ONCE:
                break
            chunk[event.order_id] = event
        return list(chunk.values())

    def settle(self, chunk: Sequence[Event], delivered: Sequence[bool]) -> None:
        """Keep what Kafka has not got, in its place."""
        gone = {event.event_id for event, there in zip(chunk, delivered, strict=True) if there}
        self.keep([event for event in self.waiting if event.event_id not in gone])
        replayed = min(len(gone), self.missed)
        self._replayed.inc(replayed)
        self._series.published.inc(len(gone))
        late = not all(delivered)
        self.missed = self.depth if late else self.missed - replayed
        if late != self.late:
            log.info("Kafka %s; %s events wait", "does not answer" if late else "takes events again", self.depth)
        self.late = late

    def keep(self, events: Sequence[Event]) -> None:
        """These wait from now on."""
        self.waiting = deque(events)
        self._series.queued.set(self.depth)
        self._went.set()

    async def close(self) -> None:
        """What is under way is given a moment."""
        await asyncio.to_thread(self.topic.close)
