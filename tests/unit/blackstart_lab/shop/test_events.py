"""The shop's local event queue: its bound, its order, and what it does while Kafka takes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from blackstart_lab.shop import mutants
from blackstart_lab.shop.counters import ShopSeries
from blackstart_lab.shop.event import CREATED, RESERVED, Event
from blackstart_lab.shop.events import Events
from blackstart_lab.shop.exceptions import QueueFull
from blackstart_lab.shop.settings import PROMISED, Settings

BOUND = PROMISED.queue_bound


class Topic:
    """Kafka, as far as the queue sees it: it takes events in the order in which it is given them, or none of them."""

    def __init__(self, *_: Any) -> None:
        self.ready = self.takes = True
        self.got: list[Event] = []
        self.tries: list[str] = []

    async def delivered(self, event: Event) -> bool:
        self.tries.append(event.event_id)
        await asyncio.sleep(0)
        if self.takes:
            self.got.append(event)
        return self.takes

    async def keep_connected(self) -> None:
        await asyncio.Event().wait()

    def told(self) -> list[tuple[str, str]]:
        return [(event.order_id, event.event_type) for event in self.got]


def run(story: Callable[[Events, Topic, ShopSeries], Awaitable[None]], mutant: str = "", tmp: Path = Path()) -> None:
    """A story with a queue that is replayed meanwhile."""

    async def told() -> None:
        kind: type[Any] = mutants.load(mutant).parts["events"] if mutant else Events
        kept, series = type("Kept", (kind,), {"TOPIC": Topic}), ShopSeries()
        events = kept(Settings("order", 1, "http://h", tmp, "http://p"), series)
        replaying = asyncio.create_task(events.replay())
        try:
            async with asyncio.timeout(20):
                await story(events, events.topic, series)
        finally:
            replaying.cancel()

    asyncio.run(told())


def ordered(events: Events, number: int) -> None:
    with events.claim(3) as room:
        for kind in (CREATED, RESERVED):
            room.put(kind, {"order_id": f"o-{number}"}, f"o-{number}")


async def until(fact: Callable[[], bool]) -> None:
    while not fact():  # the story has a limit
        await asyncio.sleep(0.01)


async def cut_off(events: Events, topic: Topic, count: int) -> None:
    """Kafka takes nothing, and so many orders are told of meanwhile."""
    topic.takes = False
    for number in range(count):
        ordered(events, number)
    await until(lambda: events.late)


def test_events_reach_kafka_once_and_each_order_is_told_in_its_order() -> None:
    async def story(events: Events, topic: Topic, series: ShopSeries) -> None:
        for number in range(50):
            ordered(events, number)
        await until(lambda: events.depth == 0)
        assert len(topic.got) == len({event.event_id for event in topic.got}) == 100
        for number in range(50):
            told = [kind for order, kind in topic.told() if order == f"o-{number}"]
            assert told == [CREATED, RESERVED]
        assert events.ready and not events.late

    run(story)


def test_what_kafka_does_not_take_waits_and_is_replayed_once_in_its_order_with_its_ids() -> None:
    async def story(events: Events, topic: Topic, series: ShopSeries) -> None:
        await cut_off(events, topic, 20)
        assert events.depth == 40 and not events.ready
        ids = [event.event_id for event in events.waiting]
        topic.takes = True
        await until(lambda: events.depth == 0)
        assert [event.event_id for event in topic.got] == ids  # as they were put, the first of them tried before
        assert series.registry.get_sample_value("shop_events_replayed_total") == 40

    run(story)


def test_an_event_that_is_told_again_is_the_same_and_takes_no_second_place() -> None:
    async def story(events: Events, topic: Topic, series: ShopSeries) -> None:
        await cut_off(events, topic, 2)
        ordered(events, 1)
        assert events.depth == 4 and events.claimed == 0
        topic.takes = True
        await until(lambda: events.depth == 0)
        ordered(events, 1)
        await until(lambda: len(topic.got) == 6)
        assert len({event.event_id for event in topic.got}) == 4

    run(story)


def test_no_second_event_of_an_order_is_under_way_before_kafka_has_the_first() -> None:
    async def story(events: Events, topic: Topic, series: ShopSeries) -> None:
        await cut_off(events, topic, 1)
        (created, reserved) = events.waiting
        await until(lambda: topic.tries.count(created.event_id) > 1)
        assert reserved.event_id not in topic.tries

    run(story)


def test_what_is_full_refuses_before_anything_is_done_and_gives_back_what_was_not_used() -> None:
    async def story(events: Events, topic: Topic, series: ShopSeries) -> None:
        topic.takes = False
        placed = 0
        with pytest.raises(QueueFull):
            while True:
                ordered(events, placed)
                placed += 1
        assert BOUND - 3 < events.depth <= BOUND and events.claimed == 0
        assert series.registry.get_sample_value("shop_queue_depth") == events.depth
        assert series.registry.get_sample_value("shop_events_refused_total") == 1
        with pytest.raises(ValueError, match="no room was claimed"), events.claim(0) as room:
            room.put(CREATED, {}, "x")

    run(story)


def test_what_has_happened_is_told_as_soon_as_there_is_room() -> None:
    async def story(events: Events, topic: Topic, series: ShopSeries) -> None:
        topic.takes = False
        while events.has_room(1):
            events.put(CREATED, {}, str(events.depth))
        late = asyncio.create_task(events.put_when_room(RESERVED, {}, "late"))
        await asyncio.sleep(0)
        assert events.depth == BOUND and not late.done()
        topic.takes = True
        await late
        await until(lambda: events.depth == 0)
        assert topic.told()[-1] == ("late", RESERVED)

    run(story)


def test_events_dropped_forgets_what_kafka_does_not_take() -> None:
    async def story(events: Events, topic: Topic, series: ShopSeries) -> None:
        topic.takes = False
        ordered(events, 1)
        await until(lambda: events.depth == 0)
        assert topic.got == []

    run(story, "events-dropped")


def test_queue_unbounded_takes_more_than_it_may() -> None:
    async def story(events: Events, topic: Topic, series: ShopSeries) -> None:
        await cut_off(events, topic, BOUND)
        assert events.depth > BOUND

    run(story, "queue-unbounded")


def test_replay_reversed_tells_what_followed_before_the_order_itself() -> None:
    async def story(events: Events, topic: Topic, series: ShopSeries) -> None:
        await cut_off(events, topic, 5)
        topic.takes = True
        await until(lambda: events.depth == 0)
        assert topic.told()[:2] == [("o-4", RESERVED), ("o-4", CREATED)]

    run(story, "replay-reversed")


def test_replayed_twice_tells_the_same_under_other_ids() -> None:
    async def story(events: Events, topic: Topic, series: ShopSeries) -> None:
        await cut_off(events, topic, 5)
        topic.takes = True
        await until(lambda: events.depth == 0)
        assert len(topic.got) > 10 and len({event.event_id for event in topic.got}) == len(topic.got)
        assert len(set(topic.told())) == 10

    run(story, "replayed-twice")
