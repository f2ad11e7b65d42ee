"""Orders: written first, then reserved; one that could not be reserved waits, and is settled later."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from blackstart_lab.gateway.breaker import OPEN
from blackstart_lab.shop.counters import ShopSeries
from blackstart_lab.shop.events import Events
from blackstart_lab.shop.exceptions import NotFound, ShopError, Unreachable
from blackstart_lab.shop.guarded_inventory import TAKEN, GuardedInventory
from blackstart_lab.shop.records import Records
from blackstart_lab.shop.settings import Promise

log = logging.getLogger("shop.orders")

PENDING, CONFIRMED, CANCELLED = "pending", "confirmed", "cancelled"
_SETTLE_EVERY_S = 0.5
_AT_ONCE = 50
_MOST_EVENTS = 3  # of one order: created, not reserved, cancelled
_TOLD = {CONFIRMED: "InventoryReserved", CANCELLED: "OrderCancelled"}
Tell = Callable[[str, "Order"], Awaitable[None]]
_IS_TOLD = "UPDATE orders SET told = true WHERE id = %s"
_FOUND = "SELECT id, product_id, quantity, status FROM orders"


@dataclass(frozen=True)
class Order:
    """As it stands in its row."""

    id: str
    product: str
    quantity: int
    status: str = PENDING

    def told(self) -> dict[str, Any]:
        """For clients."""
        return {**self.data(), "id": self.id, "status": self.status}

    def data(self) -> dict[str, Any]:
        """What its events tell."""
        return {"order_id": self.id, "product_id": self.product, "quantity": self.quantity}


class Orders:
    """Raises Unreachable where the database can't be asked; what became of the order is then unknown."""

    def __init__(
        self, records: Records, inventory: GuardedInventory, events: Events, promise: Promise, series: ShopSeries
    ) -> None:
        self.records, self.inventory, self.events = records, inventory, events
        self.promise, self.series = promise, series

    async def place(self, order: Order) -> Order:
        """Confirmed, cancelled, or pending where the inventory does not answer. The same id is the same order."""
        sql = (
            "INSERT INTO orders (id, product_id, quantity) VALUES (%s, %s, %s) ON CONFLICT (id) DO NOTHING RETURNING 1"
        )
        with self.events.claim(_MOST_EVENTS) as room:

            async def tell(kind: str, of: Order) -> None:
                room.put(kind, of.data(), of.id)

            await self.records.ask(sql, [order.id, order.product, order.quantity], again=False)
            there = await self.get(order.id)
            # Also of one that was there: whether it was told of, when a write had no answer, nobody knows.
            await tell("OrderCreated", there)
            if there.status == PENDING:
                there = await self.settle(there, tell)
            else:
                await tell(_TOLD[there.status], there)
        if there.status != PENDING:
            await self.records.ask(_IS_TOLD, [there.id])
        return there

    async def settle(self, order: Order, tell: Tell) -> Order:
        """Reserve for it, and write what came of it; pending where that can't be told yet."""
        try:
            taken = await self.inventory.reserve(order.id, order.product, order.quantity)
        except Unreachable as error:
            return self.unsettled(order, error)
        if taken == TAKEN:
            return await self.write(order, CONFIRMED, tell, "InventoryReserved")
        return await self.write(order, CANCELLED, tell, "InventoryReservationFailed", "OrderCancelled")

    def unsettled(self, order: Order, error: ShopError) -> Order:
        """The fallback: it is taken, and settled later."""
        log.info("order %s stays pending: %s", order.id, error)
        return order

    async def write(self, order: Order, status: str, tell: Tell, *kinds: str) -> Order:
        """Its new status, unless it has got another one meanwhile."""
        sql = "UPDATE orders SET status = %s WHERE id = %s AND status = 'pending' RETURNING 1"
        if await self.records.ask(sql, [status, order.id], again=False):
            for kind in kinds:
                await tell(kind, order)
        return await self.get(order.id)

    async def cancel(self, known: str) -> Order:
        """Give back what it has reserved. Raises NotFound."""
        order = await self.get(known)
        if order.status != CANCELLED:
            sql = "UPDATE orders SET status = 'cancelled' WHERE id = %s AND status <> 'cancelled' RETURNING 1"
            with self.events.claim(1) as room:
                if await self.records.ask(sql, [known], again=False):
                    room.put("OrderCancelled", order.data(), known)
        await self.inventory.release(known)
        return await self.get(known)

    async def get(self, known: str) -> Order:
        """Raises NotFound."""
        rows = await self.records.ask(f"{_FOUND} WHERE id = %s", [known])
        if not rows:
            raise NotFound(f"there is no order {known}")
        return Order(*rows[0])

    async def some(self, at_most: int) -> list[Order]:
        """The last ones."""
        return [Order(*row) for row in await self.records.ask(f"{_FOUND} ORDER BY created_at DESC LIMIT %s", [at_most])]

    async def settle_left(self) -> None:
        """For ever: orders that stayed pending, the oldest first."""
        while True:
            try:
                await self._settle_some()
                await self._tell_some()
            except ShopError as error:
                log.info("nothing was settled: %s", error)
            await asyncio.sleep(_SETTLE_EVERY_S)

    async def _settle_some(self) -> None:
        old = "status = 'pending' AND created_at < clock_timestamp() - make_interval(secs => %s)"
        count = await self.records.ask("SELECT count(*) FROM orders WHERE status = 'pending'")
        self.series.pending.set(count[0][0])
        rows = await self.records.ask(
            f"{_FOUND} WHERE {old} ORDER BY created_at LIMIT %s", [self.promise.answer_timeout_s, _AT_ONCE]
        )
        for row in rows:
            settled = await self.settle(Order(*row), self._tell_later)
            if settled.status == PENDING and self.inventory.breaker.state == OPEN:
                return  # it has had its trial call; the next ones come later

    async def _tell_later(self, kind: str, order: Order) -> None:
        for each in ("OrderCreated", kind):  # a write without an answer may have kept the first one back
            await self.events.put_when_room(each, order.data(), order.id)

    async def _tell_some(self) -> None:
        """What became of an order while nobody could say so: a write had no answer, or nobody asked again."""
        old = "NOT told AND status <> 'pending' AND created_at < clock_timestamp() - make_interval(secs => %s)"
        rows = await self.records.ask(
            f"{_FOUND} WHERE {old} ORDER BY created_at LIMIT %s", [self.promise.answer_timeout_s, _AT_ONCE]
        )
        for order in (Order(*row) for row in rows):
            await self._tell_later(_TOLD[order.status], order)
            await self.records.ask(_IS_TOLD, [order.id])
