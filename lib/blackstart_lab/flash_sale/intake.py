"""Taking an order: through the gate, once per key, with a unit of stock, into Kafka, and only then acknowledged."""

import asyncio
import logging
import math
import time

from blackstart_lab.flash_sale.failures import FateUnknown, NotSent, SaleError, StoreUnreachable
from blackstart_lab.flash_sale.order_topic import OrderTopic
from blackstart_lab.flash_sale.reservations import (
    AGAIN,
    BUSY,
    DUPLICATE,
    GATED,
    SOLD_OUT,
    TAKEN,
    Order,
    Reservations,
    Taken,
)

log = logging.getLogger("sale.intake")

SUCCESS, IGNORED, REDIRECTED, ERROR = "success", "ignored", "redirected", "error"
_LOOK_AGAIN_S = 0.05
_LEFT_EVERY_S = 1.0
_LEFT_AT_ONCE = 100
_OUTCOMES = {DUPLICATE: IGNORED, GATED: REDIRECTED, SOLD_OUT: SOLD_OUT}


class Intake:
    """The way of one order; `finish_left` completes those whose request did not live to see it."""

    def __init__(self, reservations: Reservations, topic: OrderTopic) -> None:
        self.reservations = reservations
        self.topic = topic
        self._background: set[asyncio.Task[None]] = set()

    async def place(self, order: Order) -> str:
        """success, ignored (known), redirected (the gate), sold_out or error; never raises for what is down."""
        until = time.monotonic() + self.reservations.promise.refused_within_s
        try:
            taken = await self.take(order, until)
            if taken.outcome not in (TAKEN, AGAIN):
                return _OUTCOMES.get(taken.outcome, ERROR)
            await self.send(taken, until)
        except SaleError as error:
            log.warning("order %s: %s", order.key, error)
            return ERROR
        return SUCCESS

    async def take(self, order: Order, until: float) -> Taken:
        """One of the same key that is under way is waited for: only its end tells what this one is."""
        taken = await self.reservations.take(order)
        while taken.outcome == BUSY and time.monotonic() < until:
            await asyncio.sleep(_LOOK_AGAIN_S)
            taken = await self.reservations.take(order, gated=False)
        return taken

    async def send(self, taken: Taken, until: float = math.inf) -> None:
        """Raises NotSent (key and unit are given back where this was the first try) or FateUnknown (they are kept).

        `until` is when the request's time is over: one that waited for its like has less than all of it left.
        """
        try:
            await self.topic.send(taken.order, until - time.monotonic())
        except NotSent:
            undo = self.reservations.give_back if taken.outcome == TAKEN else self.reservations.leave
            await undo(taken)
            raise
        except FateUnknown:
            await self.reservations.leave(taken)
            raise
        # Sent before the answer, but not waited for: the order is in Kafka, whatever Redis says. Should this get lost,
        # the key stays open, and the same order is sent again, which changes nothing.
        self._later(taken)
        await asyncio.sleep(0)

    def _later(self, taken: Taken) -> None:
        async def accept() -> None:
            try:
                await self.reservations.accept(taken)
            except StoreUnreachable as error:
                log.warning("order %s stays open: %s", taken.order.key, error)

        task = asyncio.create_task(accept())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def finish_left(self) -> None:
        """For ever: send again what is open and nobody's, so that each unit that was taken becomes an order."""
        while True:
            try:
                while await self._finish_some():
                    pass
            except SaleError as error:
                log.info("orders are left open: %s", error)
            await asyncio.sleep(_LEFT_EVERY_S)

    async def _finish_some(self) -> int:
        keys = await self.reservations.left(_LEFT_AT_ONCE)
        for key in keys:
            product = await self.reservations.product_of(key)
            order = Order(key, product or "", "", int(time.time() * 1000))
            taken = await self.reservations.take(order, gated=False, new=False)
            if taken.outcome == AGAIN:
                await self.send(taken)
        return len(keys)
