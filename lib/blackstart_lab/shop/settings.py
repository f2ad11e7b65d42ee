"""What the shop promises of itself: its limits, and the settings of one program."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blackstart_lab.gateway.config import BreakerNumbers

TOPICS = {"order-events": 3, "inventory-events": 3, "product-events": 3, "platform-events": 1, "dead-letter-queue": 1}
GROUP = "event-consumer"


@dataclass(frozen=True)
class Promise:
    """Limits in seconds, and how much of a thing there may be.

    `cache_ttl_s` is how old an address may be before it is asked for again; one that can't be renewed is used on.
    `call_timeout_s` is what order waits for inventory. An order that stays pending is settled within
    `settled_within_s` of the moment that inventory answers again. A lock lapses `lock_ttl_s` after it was taken,
    whoever holds it.
    """

    cache_ttl_s: float = 2.0
    heartbeat_s: float = 1.0
    lease_s: float = 5.0
    call_timeout_s: float = 1.0
    answer_timeout_s: float = 3.0
    settled_within_s: float = 30.0
    queue_bound: int = 300
    kafka_timeout_s: float = 1.5
    session_timeout_s: float = 6.0
    lock_ttl_s: float = 1.5
    lock_wait_s: float = 3.0
    tries: int = 3
    redis_timeout_s: float = 0.5
    db_timeout_s: float = 2.0
    memory_limit_mb: int = 200
    catch_up_s: float = 30.0
    partitions: int = 4
    partition_seed: int = 1
    # Judged by failures and slow calls of the last ten; two seconds later three calls tell whether it is over.
    breaker: BreakerNumbers = field(
        default=BreakerNumbers(
            window_calls=10,
            min_calls=5,
            failure_percent=50,
            slow_ms=800,
            slow_percent=50,
            open_s=2.0,
            half_open_calls=3,
        )
    )

    def facts(self) -> dict[str, Any]:
        """The `[facts]` of target.toml, from which deadlines and limits are derived."""
        own = {name: value for name, value in vars(self).items() if name != "breaker"}
        return {**own, "breaker_name": "inventory", **self.breaker.facts()}


PROMISED = Promise()


@dataclass(frozen=True)
class Settings:
    """One program: its name, where it listens and is to be reached, what it talks to, where it tells what happened."""

    name: str
    port: int
    address: str
    events: Path
    platform: str
    dsn: str = ""
    redis_url: str = ""
    kafka: str = ""
    mutant: str | None = None
    host: str = "127.0.0.1"
    promise: Promise = PROMISED

    @property
    def service(self) -> str:
        """The name that its instances share: `inventory` of `inventory-2`."""
        return self.name.rstrip("-0123456789")
