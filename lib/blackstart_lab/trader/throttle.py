"""The throttle queue: plans are accepted at once and placed at the rate that the broker allows."""

import asyncio
from collections import OrderedDict, deque

from blackstart_lab.clock import now_s
from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.trader.errors import BrokerUnavailable, Fenced, Mismatch, QueueFull, Refused
from blackstart_lab.trader.metrics import Metrics
from blackstart_lab.trader.orders import Order, OrderDesk

_RETRY_S = 0.1
_REMEMBERED = 100_000
_CATCH_UP_S = 0.2  # a late wake-up is made good, a long stop is not


class Throttle:
    """`depth` counts every plan that was accepted and is not yet in the database, the one under way included."""

    def __init__(self, orders: OrderDesk, metrics: Metrics, orders_per_s: int, capacity: int) -> None:
        self.orders = orders
        self.metrics = metrics
        self.period_s = 1.0 / orders_per_s
        self.capacity = capacity
        self.queue: deque[Order] = deque()
        self.depth = 0
        self._known: OrderedDict[str, Order] = OrderedDict()
        self._filled = asyncio.Event()

    def submit(self, order: Order) -> bool:
        """Accept the plan; False when it is known already. Raises Refused, QueueFull or Mismatch."""
        self.orders.permit()
        known = self._known.get(order.client_order_id)
        if known is not None and known != order:
            raise Mismatch(f"{order.client_order_id} is known with other parameters")
        if known is not None:
            return False
        if self.depth >= self.capacity:
            raise QueueFull(f"{self.depth} plans are waiting")
        self._known[order.client_order_id] = order
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        self.enqueue(order)
        return True

    def enqueue(self, order: Order) -> None:
        self.queue.append(order)
        self._set_depth(self.depth + 1)
        self._filled.set()

    async def run(self) -> None:
        """Place what is queued, one per period."""
        due = now_s()
        while True:
            idle = not self.queue
            order = await self.take()
            # Time without plans earns nothing: a burst after it is held to the rate like any other.
            due = now_s() + self.period_s if idle else max(due + self.period_s, now_s() - _CATCH_UP_S)
            await self.land(order)
            self._set_depth(self.depth - 1)
            await asyncio.sleep(max(0.0, due - now_s()))

    async def take(self) -> Order:
        """The next plan, as soon as there is one."""
        while not self.queue:
            self._filled.clear()
            await self._filled.wait()
        return self.queue.popleft()

    async def land(self, order: Order) -> None:
        """Place it; a plan is kept while paused, without the lock or without the database."""
        while True:
            try:
                await self.orders.place(order, "plan")
                return
            except Mismatch:
                return  # recorded as rejected by the order desk
            except (Refused, Fenced, DatabaseUnavailable, BrokerUnavailable):
                await asyncio.sleep(_RETRY_S)

    def _set_depth(self, depth: int) -> None:
        self.depth = depth
        self.metrics.throttle_queue_depth.labels(type="orders").set(depth)
