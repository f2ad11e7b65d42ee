"""Stand-ins without sockets, and a clock that moves only when told to."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.event_log import EventLog
from blackstart_lab.trader.config import QUICK
from blackstart_lab.trader.desk import Desk
from blackstart_lab.trader.errors import StoreUnreachable
from blackstart_lab.trader.lock import LeaderLock
from blackstart_lab.trader.metrics import Metrics
from blackstart_lab.trader.orchestrator import Orchestrator
from blackstart_lab.trader.orders import OrderDesk

# Unit tests wait for no backoff.
PROFILE = replace(QUICK, backoff_s=(0.0,), backoff_jitter_s=0.0)


class FakeClock:
    """Seconds, as a callable."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class FakeStore:
    """One key; `away` makes every call fail as an unreachable Redis does."""

    url = "redis://127.0.0.1:1/0"

    def __init__(self) -> None:
        self.owner: str | None = None
        self.away = False
        self.attempts = 0

    async def acquire(self, owner: str, ttl_s: float) -> bool:
        self.attempts += 1
        if self.away:
            raise StoreUnreachable("away")
        if self.owner is None:
            self.owner = owner
            return True
        return False

    async def extend(self, script: str, owner: str, ttl_s: float) -> bool:
        if self.away:
            raise StoreUnreachable("away")
        return self.owner is not None and (self.owner == owner or "GET" not in script)


class FakeDatabase:
    """Answers from a list of rows; `away` makes every call fail as an unreachable PostgreSQL does."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[Any, ...]] = {}
        self.away = False
        self.lands_unheard = False
        self.calls: list[dict[str, Any]] = []
        self.tokens = 0
        self.newest_token = 0
        self.inserted: list[str] = []

    async def call(self, sql: str, values: tuple[Any, ...] = (), **how: Any) -> list[tuple[Any, ...]]:
        self.calls.append(how)
        if self.lands_unheard:
            self._insert(sql, values)
            raise DatabaseUnavailable("no answer")
        if self.away:
            raise DatabaseUnavailable("away")
        return self._insert(sql, values)

    def _insert(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        name, rest = values[0], values[1:4]
        if values[4] < self.newest_token:
            return [("fenced", None)]
        if "place_order" in sql and name in self.rows:
            known = self.rows[name]
            return [("duplicate" if known[1:] == rest else "mismatch", known[0])]
        self.inserted.append(name)
        self.rows[name] = (len(self.inserted), *rest)
        return [("placed", len(self.inserted))]


class Bench:
    """A trader's parts on stand-ins; `kinds` replaces parts as a mutant does."""

    def __init__(self, folder: Path, **kinds: type[Any]) -> None:
        self.clock, self.store, self.database = FakeClock(), FakeStore(), FakeDatabase()
        self.events = EventLog(folder / "events.jsonl", "me", logging.getLogger("trader"))
        self.log = folder / "events.jsonl"
        self.metrics, self.desk = Metrics(), Desk(self.events)

        async def take_token() -> int | None:
            if self.database.away:
                return None
            self.database.tokens += 1
            self.database.newest_token = self.database.tokens
            return self.database.tokens

        lock_kind = kinds.get("lock", LeaderLock)
        self.lock = lock_kind(self.store, PROFILE, "me", events=self.events, take_token=take_token, now=self.clock)
        self.lock.listener = kinds.get("orchestrator", Orchestrator)("me", self.desk, self.metrics)
        self.orders = kinds.get("orders", OrderDesk)(
            self.database, lock=self.lock, desk=self.desk, metrics=self.metrics, events=self.events
        )

    def sample(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)
