"""The app's own trading: a scan that places one small order each time it may."""

import asyncio
import contextlib
import uuid

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.trader.errors import TraderError
from blackstart_lab.trader.heart import Heart
from blackstart_lab.trader.metrics import Metrics
from blackstart_lab.trader.orders import Order, OrderDesk


class Strategy:
    """Scans on while paused, but places nothing then."""

    def __init__(self, orders: OrderDesk, heart: Heart, metrics: Metrics, scan_s: float) -> None:
        self.orders = orders
        self.heart = heart
        self.metrics = metrics
        self.scan_s = scan_s
        self.ticks = 0

    async def run(self) -> None:
        self.metrics.scan_supervisor_state.set(1)
        while True:
            self.ticks += 1
            self.metrics.scan_ticks.inc()
            self.heart.beat("scan")
            # Paused, not leader, no database: recorded by the order desk.
            with contextlib.suppress(TraderError, DatabaseUnavailable):
                await self.trade(Order(f"scan-{uuid.uuid4()}", "BUY", 1, 100))
            await asyncio.sleep(self.scan_s)

    async def trade(self, order: Order) -> None:
        await self.orders.place(order, "scan")
