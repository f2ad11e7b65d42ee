"""Three heartbeats: when the scan, the order stream and the market data were last heard of."""

import asyncio

from blackstart_lab.clock import now_s
from blackstart_lab.trader.lock import LeaderLock
from blackstart_lab.trader.metrics import HEARTBEATS, Metrics

_REFRESH_S = 1.0
_FEED_S = 0.5


class Heart:
    """Ages are put into the gauges once a second; readiness goes by the gauges, not by the moment."""

    def __init__(self, metrics: Metrics, lock: LeaderLock) -> None:
        self.metrics = metrics
        self.lock = lock
        self.last_beat = dict.fromkeys(HEARTBEATS, now_s())
        self.shown_s = dict.fromkeys(HEARTBEATS, 0.0)

    def beat(self, name: str) -> None:
        self.last_beat[name] = now_s()

    def age_s(self, name: str) -> float:
        return now_s() - self.last_beat[name]

    async def run(self) -> None:
        """Refresh the gauges."""
        while True:
            for name in HEARTBEATS:
                self.shown_s[name] = self.age_s(name)
                self.metrics.heartbeats[name].set(self.shown_s[name])
            await asyncio.sleep(_REFRESH_S)

    async def feed(self, name: str) -> None:
        """The stand-in for an outside stream that is heard of twice a second."""
        while True:
            self.beat(name)
            await asyncio.sleep(_FEED_S)
