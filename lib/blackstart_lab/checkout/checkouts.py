"""Opening a session: once for each key, whatever fails on the way and whoever has left meanwhile.

A key's way has three steps, and each can be taken again with the same result: claim the key (its row tells what it is
for, and the session's id), charge (the gateway charges once for a key), write session and answer in one statement. So
nobody holds a lock while it waits for the gateway, and what an instance leaves behind, any can finish.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from blackstart_lab.checkout import cart as carts
from blackstart_lab.checkout.cart import Cart
from blackstart_lab.checkout.failures import CheckoutError, IdempotencyConflict, TooLate
from blackstart_lab.checkout.payment_client import PaymentClient
from blackstart_lab.checkout.promise import Promise
from blackstart_lab.checkout.request_limit import SlidingLog
from blackstart_lab.checkout.session_store import SessionStore

log = logging.getLogger("checkout")

_LEFT_EVERY_S = 0.5
_LEFT_AT_ONCE = 20


@dataclass(frozen=True)
class Opened:
    """A session as it is answered; `cached`: another request had it opened."""

    session: dict[str, Any]
    cached: bool


@dataclass(frozen=True)
class Flight:
    """A key that is on its way now."""

    request_hash: str
    task: "asyncio.Task[Opened]"


class Checkouts:
    """Requests of one key that come while it is on its way share its outcome: a thousand of them cost one way."""

    def __init__(self, store: SessionStore, payments: PaymentClient, limiter: SlidingLog, promise: Promise) -> None:
        self.store = store
        self.payments = payments
        self.limiter = limiter
        self.promise = promise
        self._flights: dict[str, Flight] = {}

    async def open(self, key: str, cart: Cart, client: str) -> Opened:
        """The key's session, opened now or before. Raises a CheckoutError.

        Whoever waits may leave: the key goes its way to the end.
        """
        request_hash, flight = cart.hash(), self.under_way(key)
        if flight is None:
            self.limiter.admit(client, key)
            return await asyncio.shield(self._depart(key, cart, request_hash))
        self.compare(flight.request_hash, request_hash)
        opened = await asyncio.shield(flight.task)
        return Opened(opened.session, cached=True)

    def under_way(self, key: str) -> Flight | None:
        """What a request of the key can join."""
        return self._flights.get(key)

    def compare(self, first_hash: str, request_hash: str) -> None:
        """Raises IdempotencyConflict where a key is used for something else than at first."""
        if first_hash != request_hash:
            raise IdempotencyConflict("the key belongs to a request with other parameters")

    def _depart(self, key: str, cart: Cart, request_hash: str) -> "asyncio.Task[Opened]":
        task = asyncio.create_task(self.in_time(key, cart))
        self._flights[key] = Flight(request_hash, task)

        def arrived(task: "asyncio.Task[Opened]") -> None:
            self._flights.pop(key, None)
            if not task.cancelled():
                task.exception()  # seen, also where everybody has left

        task.add_done_callback(arrived)
        return task

    async def in_time(self, key: str, cart: Cart) -> Opened:
        """Raises TooLate when the time for all of it is over."""
        try:
            async with asyncio.timeout(self.promise.answer_timeout_s):
                return await self.carry_out(key, cart)
        except TimeoutError as error:
            raise TooLate(f"not finished within {self.promise.answer_timeout_s:g} s") from error

    async def carry_out(self, key: str, cart: Cart) -> Opened:
        """The three steps."""
        claim = await self.store.claim(key, cart)
        self.compare(claim.request_hash, cart.hash())
        if claim.answer is not None:
            return Opened(claim.answer, cached=True)
        charge = await self.payments.charge(key, cart.total_cents)
        return Opened(await self.store.finish(key, cart, claim.session_id, charge), cached=False)

    async def finish_left(self) -> None:
        """For ever: take keys to their end whose request was answered with an error, or did not live to be."""
        while True:
            try:
                left = await self.store.left(self.promise.finish_after_s, _LEFT_AT_ONCE)
            except CheckoutError as error:
                log.warning("what is left can't be seen: %s", error)
                left = []
            ways = {key: carts.read(cart) for key, cart in left if key not in self._flights}
            flights = [self._depart(key, cart, cart.hash()) for key, cart in ways.items()]
            for key, outcome in zip(ways, await asyncio.gather(*flights, return_exceptions=True), strict=True):
                log.info("finished %s: %s", key, outcome)
            await asyncio.sleep(_LEFT_EVERY_S)
