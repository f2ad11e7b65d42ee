"""A Redis, a clock and a bench for the gateway's parts."""

from collections.abc import Mapping
from typing import Any

from blackstart_lab.gateway.breaker import Breaker
from blackstart_lab.gateway.config import QUICK, Profile
from blackstart_lab.gateway.errors import LimiterUnavailable
from blackstart_lab.gateway.gate import Gate
from blackstart_lab.gateway.limiter import FixedWindow
from blackstart_lab.gateway.metrics import Metrics


class Clock:
    """Goes on when told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class FakeStore:
    """Counts in memory; with `away` it fails as a Redis that does not answer."""

    def __init__(self) -> None:
        self.away = ""
        self.counts: dict[str, int] = {}
        self.asked = 0

    async def count(self, key: str) -> int:
        self.asked += 1
        if self.away:
            raise LimiterUnavailable(self.away)
        self.counts[key] = self.counts.get(key, 0) + 1
        return self.counts[key]


class Bench:
    """A gate with its limiter and its breaker, over a fake store; `parts` are a mutant's."""

    def __init__(
        self, parts: Mapping[str, type[Any]] | None = None, profile: Profile = QUICK, on_open: str = "fallback"
    ) -> None:
        parts = parts or {}
        self.clock, self.store, self.metrics = Clock(), FakeStore(), Metrics(profile)
        self.changes: list[tuple[str, str]] = []
        self.breaker = parts.get("breaker", Breaker)("redis", profile.breaker, self._changed, self.clock)
        self.limiter = parts.get("limiter", FixedWindow)(self.store, profile)
        around = self.breaker if profile.guards == "redis" else None
        self.gate = parts.get("gate", Gate)(self.limiter, around, self.metrics, on_open)

    def _changed(self, before: str, to: str, _: str) -> None:
        self.changes.append((before, to))

    async def ask(self, times: int = 1, path: str = "/api/v1/users/1") -> list[str]:
        """The modes of so many decisions."""
        return [(await self.gate.decide("lab-key", path)).mode for _ in range(times)]
