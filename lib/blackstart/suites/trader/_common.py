"""What the trader's experiments share: limits from the target's own promises, links, and what never changes."""

from __future__ import annotations

from dataclasses import dataclass

from blackstart.model.expect import BASELINE_WITHIN_S, Expectation, always, eventually
from blackstart.model.flags import Flags
from blackstart.model.reading import Probe
from blackstart.model.target import Target
from blackstart.probes.in_container import SqlInContainer
from blackstart.probes.sql import SqlScalar
from blackstart.suites.trader import readings as read
from blackstart.suites.trader._schema import of_orders
from blackstart.suites.trader.link import is_in_container


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


def stored(target: Target, query: str, name: str) -> tuple[Probe, ...]:
    """What a query finds in the target's database, asked from inside of its container where no DSN is given.

    Nothing where there is neither: then the experiment has to do with what the API shows.
    """
    query = of_orders(target, query)
    if "postgres" not in target.services:
        return ()
    if target.service("postgres").dsn:
        return (SqlScalar(query, name=name),)
    return (SqlInContainer(query, name=name),) if is_in_container(target, "postgres") else ()


def well() -> tuple[Expectation, ...]:
    """Healthy, leading and trading, before anything is done."""
    return (
        eventually(read.health().is_("healthy"), within_s=BASELINE_WITHIN_S, name="healthy_before"),
        eventually(read.leader().is_(1), within_s=BASELINE_WITHIN_S, name="leader_before"),
        eventually(read.paused().is_(False), within_s=BASELINE_WITHIN_S, name="not_paused_before"),
    )


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
            requires="trader_scan_ticks_total at /metrics",
            hint="A counter that fell was a restart: check logs for unhandled exceptions.",
        ),
        always(
            read.instance_id(service).as_before(),
            name="same_instance",
            requires="trader_is_leader at /metrics with the label instance_id",
            hint="Another instance id means that the orchestrator was restarted: check logs for unhandled exceptions.",
        ),
    )
