"""Counts that are asked at once travel together, and fail together."""

import asyncio

import pytest

from blackstart_lab.gateway.batches import Batches
from blackstart_lab.gateway.errors import LimiterUnavailable


class Wire:
    """Answers each batch with the places of its keys, when it is allowed to."""

    def __init__(self) -> None:
        self.sent: list[list[str]] = []
        self.clear = asyncio.Event()
        self.broken = False

    async def send(self, keys: list[str]) -> list[int]:
        self.sent.append(keys)
        await self.clear.wait()
        if self.broken:
            raise LimiterUnavailable("connection lost")
        return list(range(len(keys)))


async def three(wire: Wire, batches: Batches) -> list[asyncio.Task[int]]:
    """One on its way and two that wait."""
    tasks = []
    for key in "abc":
        tasks.append(asyncio.create_task(batches.count(key)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert wire.sent == [["a"]]
    return tasks


def test_what_is_asked_meanwhile_goes_together() -> None:
    async def story() -> None:
        wire = Wire()
        tasks = await three(wire, Batches(wire.send, at_once=1))
        wire.clear.set()
        assert await asyncio.gather(*tasks) == [0, 0, 1]
        assert wire.sent == [["a"], ["b", "c"]]

    asyncio.run(story())


def test_several_at_once_do_not_wait_for_each_other() -> None:
    async def story() -> None:
        wire = Wire()
        batches = Batches(wire.send, at_once=2)
        tasks = [asyncio.create_task(batches.count("a"))]
        await asyncio.sleep(0.01)
        tasks.append(asyncio.create_task(batches.count("b")))
        await asyncio.sleep(0.01)
        assert wire.sent == [["a"], ["b"]]
        wire.clear.set()
        assert await asyncio.gather(*tasks) == [0, 0]

    asyncio.run(story())


def test_one_that_was_given_up_is_not_sent() -> None:
    async def story() -> None:
        wire = Wire()
        tasks = await three(wire, Batches(wire.send, at_once=1))
        tasks[1].cancel()
        await asyncio.sleep(0)
        wire.clear.set()
        assert await asyncio.gather(tasks[0], tasks[2]) == [0, 0]
        assert wire.sent == [["a"], ["c"]]

    asyncio.run(story())


def test_failed_batch_fails_all_of_its_counts_and_the_next_is_tried() -> None:
    async def story() -> None:
        wire = Wire()
        batches = Batches(wire.send, at_once=1)
        tasks = await three(wire, batches)
        wire.broken = True
        wire.clear.set()
        for task in tasks:
            with pytest.raises(LimiterUnavailable, match="connection lost"):
                await task
        wire.broken = False
        assert await batches.count("d") == 0

    asyncio.run(story())
