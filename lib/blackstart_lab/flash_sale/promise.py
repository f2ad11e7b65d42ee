"""What the flash sale promises of itself: its limits, and the settings of one program."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

TOPIC, GROUP = "orders", "inventory-group"
PRODUCT, QUANTITY = "iphone-15", 2000
WORKER_DOWN_S = {"quick": 6.0, "real": 25.0}
"""By profile: for how long a drill that kills the worker leaves it away."""
HEALTHY = {"api": {"kafka": "up"}, "worker": {"kafka": "up", "database": "up"}}
"""By program: what /health says besides, once it has all that it works with."""


@dataclass(frozen=True)
class Promise:
    """Limits in seconds, and the gate in orders per second.

    `lease_s` is how long an order belongs to the request that took its unit; it outlasts all that the request waits
    for, so that whoever finds it over knows that nobody is at work on the order any more. `refused_within_s` is for all
    of an order, and outlasts the lease: one sent again, because its instance died, is taken over and accepted.
    """

    name: str
    gate_per_s: int = 50
    key_ttl_s: int = 24 * 3600
    redis_timeout_s: float = 0.3
    kafka_timeout_s: float = 1.5
    lease_s: float = 2.5
    refused_within_s: float = 3.0
    db_timeout_s: float = 2.0
    session_timeout_s: float = 6.0
    catch_up_s: float = 30.0
    redis_round_trips: int = 1

    def facts(self) -> dict[str, Any]:
        """The `[facts]` of target.toml, from which deadlines and limits are derived."""
        return {name: value for name, value in vars(self).items() if name != "name"}


PROMISED = Promise(name="promised")
# As the public application is coded: no limits of its own but those of its clients' defaults.
AS_CODED = replace(
    PROMISED, name="as-coded", redis_timeout_s=60.0, kafka_timeout_s=20.0, refused_within_s=20.0, db_timeout_s=60.0,
    session_timeout_s=30.0,
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """One program: where it listens, what it talks to, where it tells what happened."""

    promise: Promise
    port: int
    events: Path
    kafka: str
    dsn: str
    redis_url: str = ""
    waiting_room: str = ""
    mutant: str | None = None
    host: str = "127.0.0.1"
    topic: str = TOPIC
    group: str = GROUP
