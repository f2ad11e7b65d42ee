"""A bench for the sale's parts: a real Redis, and a Kafka and a database in memory that fail when told to."""

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import redis

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.event_log import EventLog
from blackstart_lab.flash_sale.failures import FateUnknown, NotSent
from blackstart_lab.flash_sale.intake import Intake
from blackstart_lab.flash_sale.inventory import Inventory
from blackstart_lab.flash_sale.promise import PROMISED
from blackstart_lab.flash_sale.reservations import Order, Reservations
from blackstart_lab.flash_sale.series import WorkerSeries

T = TypeVar("T")
PRODUCT = "p"


class FakeTopic:
    """Keeps what is sent; `fails` says how the next sends end, each with an error or None."""

    def __init__(self) -> None:
        self.sent: list[Order] = []
        self.fails: list[Exception | None] = []
        self.takes_s = 0.0

    async def send(self, order: Order, within_s: float = math.inf) -> None:
        if self.takes_s > within_s:
            await asyncio.sleep(within_s)
            raise UNKNOWN
        await asyncio.sleep(self.takes_s)
        failure = self.fails.pop(0) if self.fails else None
        if not isinstance(failure, NotSent):
            self.sent.append(order)
        if failure:
            raise failure


NOT_SENT, UNKNOWN = NotSent("nobody listens"), FateUnknown("no answer")


class Bench:
    """An API's parts; `run` gives them a loop, and leaves them when the story ends."""

    def __init__(self, redis_port: int, parts: Mapping[str, type[Any]], **promise: Any) -> None:
        self.redis = redis.Redis(port=redis_port, decode_responses=True)
        self.topic = FakeTopic()
        self._url = f"redis://127.0.0.1:{redis_port}/0"
        self._parts = parts
        self.promise = replace(PROMISED, **{"redis_timeout_s": 5.0, "gate_per_s": 1000, "lease_s": 0.3, **promise})
        self.stock: Reservations
        self.intake: Intake

    def run(self, story: Callable[[], Coroutine[Any, Any, T]], stock: int = 10) -> T:
        async def whole() -> T:
            self.stock = self._parts.get("reservations", Reservations)(self._url, self.promise)
            self.intake = self._parts.get("intake", Intake)(self.stock, self.topic)
            await self.stock.open_sale(PRODUCT, stock, "sale-1")
            try:
                return await story()
            finally:
                await asyncio.gather(*self.intake._background)
                await self.stock.close()

        return asyncio.run(whole())

    async def order(self, key: str) -> str:
        """What an order of that key is answered."""
        return await self.intake.place(order(key))

    @property
    def units(self) -> int:
        return int(self.redis.get(f"product:{PRODUCT}:stock") or 0)


Benches = Callable[..., Bench]


def order(key: str, placed_ms: int = 1_000_000) -> Order:
    return Order(key, PRODUCT, f"user-of-{key}", placed_ms)


class FakeSource:
    """A partition in memory: what was committed does not come again."""

    def __init__(self, *batches: list[dict[str, Any]]) -> None:
        self.batches = list(batches)
        self.at = self.committed = 0
        self.assigned = 1
        self.heard: list[str] = []

    async def connect(self) -> None:
        return

    async def poll(self) -> list[dict[str, Any]]:
        await asyncio.sleep(0)
        if self.at >= len(self.batches):
            return []
        self.at += 1
        return self.batches[self.at - 1]

    async def commit(self) -> None:
        self.heard.append("commit")
        self.committed = self.at

    async def rewind(self) -> None:
        self.heard.append("rewind")
        self.at = self.committed


class FakeLedger:
    """Rows by id; `fails` writes end as a database that is away."""

    def __init__(self, fails: int = 0) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.fails = fails
        self.asked = self.extra = 0
        self.database = self

    async def persist(self, orders: list[dict[str, Any]]) -> list[str]:
        await self.ask()
        told = ["known" if each["orderId"] in self.rows else "written" for each in orders]
        self.rows.update({each["orderId"]: each for each in orders})
        return told

    async def ask(self) -> None:
        self.asked += 1
        if self.fails:
            self.fails -= 1
            raise DatabaseUnavailable("away")

    async def call(self, *_: object) -> None:
        self.extra += 1


def inventory(folder: Path, kind: type[Inventory], source: FakeSource, ledger: FakeLedger) -> Inventory:
    events = EventLog(folder / "worker.events.jsonl", "w-1", logging.getLogger("sale"))
    return kind(source, ledger, WorkerSeries(), events)  # type: ignore[arg-type]


def batch(*keys: str) -> list[dict[str, Any]]:
    return [order(key).value() for key in keys]


async def until(job: Coroutine[Any, Any, None], fact: Callable[[], bool], within_s: float = 5.0) -> None:
    """Run a job that has no end until the fact is there."""
    task = asyncio.ensure_future(job)
    try:
        async with asyncio.timeout(within_s):
            while not fact():
                await asyncio.sleep(0.005)
    finally:
        # Once is not enough: wait_for of Python 3.11, which redis-py sends with, forgets a cancel that comes at the
        # very moment at which what it waits for is done.
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=0.1)
