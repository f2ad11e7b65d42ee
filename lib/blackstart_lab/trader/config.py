"""What the trader promises of itself: its two profiles, and the settings of one instance."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOCK_KEY = "trader:leader"
HEARTBEAT_MAX_S = 5.0
THROTTLE_CAPACITY = 10_000


@dataclass(frozen=True)
class Profile:
    """Periods and limits, in seconds. `backoff_s`: the pauses between attempts to take the lock, to get a token and to
    connect to the stream again; the last repeats. `stream_silent_s`: without a tick for so long the stream is lost."""

    name: str
    lock_ttl_s: float
    lock_refresh_s: float
    backoff_s: tuple[float, ...]
    backoff_jitter_s: float
    redis_timeout_s: float
    db_timeout_s: float
    scan_s: float
    broker_timeout_s: float
    stream_silent_s: float

    def facts(self, orders_per_s: int) -> dict[str, Any]:
        """The `[facts]` of target.toml, from which deadlines are derived."""
        return {
            "lock_key": LOCK_KEY,
            "lock_ttl_s": self.lock_ttl_s,
            "lock_refresh_s": self.lock_refresh_s,
            "backoff_s": list(self.backoff_s),
            "backoff_jitter_s": self.backoff_jitter_s,
            "redis_timeout_s": self.redis_timeout_s,
            "throttle_orders_per_s": orders_per_s,
            "throttle_capacity": THROTTLE_CAPACITY,
            "db_timeout_s": self.db_timeout_s,
            "scan_s": self.scan_s,
            "heartbeat_max_s": HEARTBEAT_MAX_S,
            "orders_key_column": "client_order_id",
            "orders_number_column": "order_id",
        }


# A Redis that is gone must be noticed within a refresh period and a second: the time-out of one call stays below that.
QUICK = Profile(
    name="quick",
    lock_ttl_s=3.0,
    lock_refresh_s=1.0,
    backoff_s=(0.2, 0.4, 0.8, 1.5, 3.0),
    backoff_jitter_s=0.05,
    redis_timeout_s=0.5,
    db_timeout_s=1.0,
    scan_s=0.5,
    broker_timeout_s=0.5,
    stream_silent_s=1.5,
)
REAL = Profile(
    name="real",
    lock_ttl_s=30.0,
    lock_refresh_s=10.0,
    backoff_s=(1.0, 2.0, 4.0, 8.0, 15.0, 30.0),
    backoff_jitter_s=0.5,
    redis_timeout_s=0.5,
    db_timeout_s=2.0,
    scan_s=5.0,
    broker_timeout_s=0.5,
    stream_silent_s=2.0,
)
PROFILES = {profile.name: profile for profile in (QUICK, REAL)}


@dataclass(frozen=True)
class Settings:
    """One instance: where it listens, what it talks to, where it tells what happened."""

    profile: Profile
    port: int
    redis_url: str
    dsn: str
    events: Path
    orders_per_s: int
    older_build: bool = False
    ops_key: str | None = None
    mutant: str | None = None
    variant: str | None = None
    host: str = "127.0.0.1"
    broker_url: str = ""
    stream_url: str = ""
