"""What the trader's experiments share: limits from the target's own promises, links, and what never changes."""

from __future__ import annotations

from dataclasses import dataclass

from blackstart.expect import Condition, Expectation, always
from blackstart.flags import Flags
from blackstart.probes.redis_value import RedisCommand
from blackstart.probes.sql import SqlScalar
from blackstart.safety.link import Proof, SameValue, SeenIn
from blackstart.systems import trader as read
from blackstart.target import Target


@dataclass(frozen=True)
class Limits:
    """Limits in seconds. Where the target promises nothing, the real system's numbers are taken."""

    refresh_s: float
    ttl_s: float
    backoff_s: tuple[float, ...]
    jitter_s: float
    heartbeat_s: float
    back_s: float

    @classmethod
    def of(cls, target: Target, flags: Flags) -> Limits:
        """From the target's facts and the flags of the original scripts."""
        return cls(
            refresh_s=float(target.fact("lock_refresh_s", 10.0)),
            ttl_s=float(target.fact("lock_ttl_s", 30.0)),
            backoff_s=tuple(float(step) for step in target.fact("backoff_s", (1, 2, 4, 8, 15, 30))),
            jitter_s=float(target.fact("backoff_jitter_s", 0.5)),
            heartbeat_s=flags.heartbeat_max_s,
            back_s=flags.wait_ready_timeout_s,
        )

    @property
    def notice_s(self) -> float:
        """The loss of the lock is noticed at the next refresh, not when the TTL is over."""
        return self.refresh_s + 1.0

    @property
    def backoff_shows_s(self) -> float:
        """How long the fault must be held for four failed attempts to be seen: the loss, and three steps of backoff."""
        return self.refresh_s + sum(self.backoff_s[:3]) + 3 * self.jitter_s + 0.5


def paper_only() -> tuple[Condition, ...]:
    """A trader in LIVE mode is not touched unless its target allows it by name."""
    return (read.mode().is_("LIVE"),)


def links(target: Target, service: str = "") -> tuple[Proof, ...]:
    """That Redis is the target's: its lock key holds the id of the instance that the target shows as its leader.

    That PostgreSQL is: somebody besides us is connected to that database.
    """
    proofs: list[Proof] = []
    if "redis" in target.services:
        key = str(target.fact("lock_key", "trader:leader"))
        held = RedisCommand(("GET", key), service="redis", name="lock_key")
        proofs.append(SameValue("redis", held, read.instance_id(service)))
    if "postgres" in target.services and target.service("postgres").dsn:
        others = SqlScalar(
            service="postgres",
            query="SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'",
            name="database_clients",
        )
        proofs.append(SeenIn("postgres", others.at_least(1)))
    return tuple(proofs)


def steady(service: str = "") -> tuple[Expectation, ...]:
    """Healthy all the time, and the same process all the time: a supervisor that restarts it hides a crash."""
    return (
        always(
            read.health(service).is_("healthy"),
            name="health_healthy",
            hint="This is a critical failure: check logs for unhandled exceptions.",
        ),
        always(
            read.scan_ticks(service).not_fallen(),
            name="no_crash",
            hint="A counter that fell was a restart: check logs for unhandled exceptions.",
        ),
        always(
            read.instance_id(service).as_before(),
            name="same_instance",
            hint="Another instance id means that the orchestrator was restarted: check logs for unhandled exceptions.",
        ),
    )
