"""What the gateway promises of itself: its profiles, and the settings of one instance."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

API_KEY = "lab-key"
"""The key that target.toml names. Any other is accepted too and has limits of its own, so that a load can play many."""

ROUTES = ("/api/v1/users/", "/api/v1/orders/")
ON_OPEN = ("fallback", "fail-fast")


@dataclass(frozen=True)
class BreakerNumbers:
    """What Resilience4j calls them: sliding window, minimum in calls, rates in percent, the rest with units.

    The window is COUNT_BASED (the last `window_calls`) or, where `window_s` is given, TIME_BASED (those of so many
    seconds). A call that takes at least `slow_ms` is slow, whatever comes of it.
    """

    window_calls: int
    min_calls: int
    failure_percent: float
    slow_ms: float
    slow_percent: float
    open_s: float
    half_open_calls: int
    window_s: float = 0.0

    def facts(self) -> dict[str, Any]:
        return {f"breaker_{name}": value for name, value in vars(self).items()}


@dataclass(frozen=True)
class Profile:
    """Limits of one gateway. `breaker_name` is the label of its metric; `guards` is what the breaker is around."""

    name: str
    redis_timeout_ms: float
    redis_connections: int
    breaker: BreakerNumbers
    breaker_name: str = "redis"
    guards: str = "redis"
    fail_open: bool = True
    max_workers: int = 200
    limit_per_window: int = 20
    window_s: int = 1
    key_ttl_s: int = 60
    ping_every_ms: int = 200
    upstream_timeout_ms: int = 2000
    cpu_limit_cores: float = 1.0
    memory_limit_mb: int = 192

    def facts(self, on_open: str) -> dict[str, Any]:
        """The `[facts]` of target.toml, from which deadlines and limits are derived."""
        apart = ("name", "breaker")
        own = {name: value for name, value in vars(self).items() if name not in apart}
        return {**own, **self.breaker.facts(), "on_open": on_open, "routes": list(ROUTES)}


# A call to Redis that does not end within 30 ms is given up: what is left of 100 ms is for the way around. Half of a
# second's calls have failed within 2 s at any rate from 40 requests/s on, and half a second is more than one hiccup of
# a busy machine: 100 calls would be a fifth of a second at 500 requests/s. Ten trial calls are enough of HALF_OPEN to
# be seen by a reader.
_AROUND_REDIS = BreakerNumbers(
    window_calls=10_000,
    window_s=1.0,
    min_calls=40,
    failure_percent=50.0,
    slow_ms=27.0,
    slow_percent=100.0,
    open_s=1.5,
    half_open_calls=10,
)
QUICK = Profile(name="quick", redis_timeout_ms=30.0, redis_connections=1, breaker=_AROUND_REDIS)
REAL = replace(QUICK, name="real", breaker=replace(_AROUND_REDIS, open_s=10.0))
# As the public application is coded: no fail-open, a client's default of 60 s, a breaker that never sees Redis.
AS_CODED = Profile(
    name="as-coded",
    redis_timeout_ms=60_000.0,
    redis_connections=200,  # its client sends everything over one connection and never waits for a free one
    breaker=BreakerNumbers(
        window_calls=100,
        min_calls=20,
        failure_percent=50.0,
        slow_ms=3000.0,
        slow_percent=50.0,
        open_s=60.0,
        half_open_calls=10,
    ),
    breaker_name="downstream",
    guards="downstream",
    fail_open=False,
    upstream_timeout_ms=60_000,
)
PROFILES = {profile.name: profile for profile in (QUICK, REAL, AS_CODED)}


@dataclass(frozen=True)
class Settings:
    """One instance: where it listens, what it talks to, where it tells what happened."""

    profile: Profile
    port: int
    redis_url: str
    upstream_url: str
    events: Path
    on_open: str = "fallback"
    mutant: str | None = None
    host: str = "127.0.0.1"
