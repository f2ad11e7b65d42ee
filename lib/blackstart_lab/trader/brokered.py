"""Placing orders where there is a broker: in the database first, then there, and acknowledged only after both."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from blackstart_lab.trader.errors import BrokerUnavailable
from blackstart_lab.trader.orders import Order, OrderDesk, Placed
from blackstart_lab.trader.session import BrokerSession


class BrokeredOrders(OrderDesk):
    """The broker does not know repetitions, so what was tried before is looked up there before it is sent again."""

    session: BrokerSession

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: Counter[str] = Counter()

    def permit(self) -> None:
        """Raises BrokerUnavailable where no token is taken: come again. Else as without a broker."""
        if self.lock.certain() and self.session.token is None:
            raise BrokerUnavailable("there is no token that the broker takes")
        super().permit()

    async def insert(self, order: Order) -> Placed:
        async with self._alone(order.client_order_id):
            placed = await super().insert(order)
            await self.forward(order, known=placed.duplicate)
            return placed

    async def forward(self, order: Order, known: bool) -> None:
        """To the broker. Of a `known` one an earlier attempt may have got there, whatever was heard of it."""
        if known and await self.session.find(order.client_order_id):
            return
        await self.session.place(order)

    @asynccontextmanager
    async def _alone(self, key: str) -> AsyncIterator[None]:
        """Two requests with one key would both find that the broker does not have it yet."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._users[key] += 1
        try:
            async with lock:
                yield
        finally:
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key], self._locks[key]
