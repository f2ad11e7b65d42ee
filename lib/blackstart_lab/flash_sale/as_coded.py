"""The sale as the public application is coded.

It asks Redis four times for an order, checks a key before and sets it after, has no time limits but its clients' own,
gives no unit back, and its worker lives or dies by what the database did last.
"""

import asyncio
import logging
import math
import uuid
from dataclasses import replace
from typing import Any

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.flash_sale.failures import SaleError
from blackstart_lab.flash_sale.intake import ERROR, IGNORED, REDIRECTED, SUCCESS, Intake
from blackstart_lab.flash_sale.inventory import Inventory
from blackstart_lab.flash_sale.ledger import Ledger
from blackstart_lab.flash_sale.order_source import OrderSource
from blackstart_lab.flash_sale.order_topic import OrderTopic
from blackstart_lab.flash_sale.promise import PRODUCT, QUANTITY
from blackstart_lab.flash_sale.reservations import SOLD_OUT, Order, Reservations

log = logging.getLogger("sale")

_GET_AND_DECREMENT = """
local stock = tonumber(redis.call('GET', KEYS[1]) or '0')
if stock < 1 then return -1 end
return redis.call('DECR', KEYS[1])
"""


class StockOnly(Reservations):
    """A sale is a number in Redis: keys of the sale before stay, and the database is not told."""

    async def close_sale(self, product: str) -> None:
        return

    async def open_sale(self, product: str, quantity: int, sale: str) -> None:
        await self.ask(self.redis.set(f"product:{product}:stock", quantity))


class StepByStep(Intake):
    """Gate, key, stock, Kafka, key: others come in between, and what fails half-way stays half-way."""

    async def place(self, order: Order) -> str:
        store = self.reservations
        try:
            if await store.ask(store.redis.incr(f"rate:{order.placed_ms // 1000}")) > store.promise.gate_per_s:
                return REDIRECTED
            if await store.ask(store.redis.get(store.key(order))):
                return IGNORED
            if await store.ask(store.redis.eval(_GET_AND_DECREMENT, 1, f"product:{order.product}:stock")) < 0:
                return SOLD_OUT
            await self.topic.send(replace(order, key=str(uuid.uuid4())))  # an id of its own each time
            await store.ask(store.redis.set(store.key(order), "1", ex=store.promise.key_ttl_s))
        except SaleError as error:
            log.warning("order %s: %s", order.key, error)
            return ERROR
        return SUCCESS

    async def finish_left(self) -> None:
        """Nobody does."""
        await asyncio.Event().wait()


class UntilTheClientGivesUp(OrderTopic):
    """Whether Kafka is there shows when its client's own limit is over."""

    async def knock(self, within_s: float = math.inf) -> None:
        return


class Nameless(OrderSource):
    """A member of its group that nobody knows again: what it had is given away when its session has ended."""

    INSTANCE = None


class OneRow(Ledger):
    """The product is there from the beginning, and no sale changes its stock."""

    EXTRA_SCHEMA = f"INSERT INTO products (id, stock) VALUES ('{PRODUCT}', {QUANTITY}) ON CONFLICT (id) DO NOTHING;\n"

    async def open_sale(self, product: str, quantity: int, sale: str) -> None:
        return


class AsTheDatabaseDid(Inventory):
    """Dies with an idle connection; started without the database it lives, and never reads an order."""

    async def run(self) -> None:
        try:
            await self.ledger.ask()
        except DatabaseUnavailable as error:
            log.error("the database is away: %s", error)
            await asyncio.Event().wait()
        await super().run()

    async def look_after_the_database(self) -> None:
        while not self.database_is_up:
            await asyncio.sleep(0.1)
            if self.source.assigned:
                self.noted(True)
        while True:
            await self.ledger.ask()
            await asyncio.sleep(0.5)


PARTS: dict[str, type[Any]] = {
    "reservations": StockOnly,
    "intake": StepByStep,
    "topic": UntilTheClientGivesUp,
    "source": Nameless,
    "ledger": OneRow,
    "inventory": AsTheDatabaseDid,
}
