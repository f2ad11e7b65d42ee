"""What the trader's experiments share: limits from the target's own promises, links, and what never changes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from blackstart.model.expect import BASELINE_WITHIN_S, Expectation, always, eventually
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.reading import Probe
from blackstart.model.relations import LAG_S, Same, implies
from blackstart.model.target import Target
from blackstart.probes.in_container import SqlInContainer
from blackstart.probes.sql import SqlScalar
from blackstart.suites.trader import readings as read
from blackstart.suites.trader._schema import of_orders
from blackstart.suites.trader.link import is_in_container


@dataclass(frozen=True)
class Limits:
    """Limits in seconds. Where the target promises nothing, the real system's numbers are taken. For less than
    `flicker_s` a leader may be not ready."""

    refresh_s: float
    ttl_s: float
    backoff_s: tuple[float, ...]
    jitter_s: float
    heartbeat_s: float
    back_s: float
    flicker_s: float = 0.0
    unsaid: frozenset[str] = frozenset()

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
            # A scan that comes as seldom as its heartbeat may be old makes that too old now and then, until the gauges
            # are refreshed: for a second.
            flicker_s=1.5 if float(target.fact("scan_s", 5.0)) + 1.0 > flags.heartbeat_max_s else 0.0,
            unsaid=frozenset({"lock_refresh_s", "lock_ttl_s", "backoff_s"}.difference(target.facts)),
        )

    def assumed(self, *facts: str) -> dict[str, str]:
        """For a check that these numbers decide: those of them that the target does not say, as its parameter."""
        missing = [fact for fact in facts if fact in self.unsaid]
        were = "was" if len(missing) == 1 else "were"
        told = f"{' and '.join(missing)} of the original system {were} assumed: say the target's own under [facts]"
        return {"assumed": told} if missing else {}

    @property
    def notice_s(self) -> float:
        """The loss of the lock is noticed at the next refresh, not when the TTL is over."""
        return self.refresh_s + 1.0

    @property
    def backoff_shows_s(self) -> float:
        """How long the fault must be held for four failed attempts to be seen: the loss, and three steps of backoff."""
        return self.refresh_s + sum(self.backoff_s[:3]) + 3 * self.jitter_s + 0.5

    def settles_s(self, held_s: float = 0.0) -> float:
        """How long it is watched after it has recovered: one refresh, the longest backoff that a fault of `held_s` can
        have brought it to, and as long as a loop that died may look alive, whichever is longest."""
        begun_s = accumulate(self.backoff_s, initial=0.0)
        longest_s = max(step_s for step_s, at_s in zip(self.backoff_s, begun_s, strict=False) if at_s <= held_s)
        return max(Experiment.settle_s, self.notice_s, longest_s + self.jitter_s, self.heartbeat_s)


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


def consistent(target: Target, limits: Limits, service: str = "", criterion: bool = False) -> tuple[Expectation, ...]:
    """What an instance says in one place is true in the other, whatever happens to it.

    Who is ready leads and has fresh heartbeats; who leads has the lock, but for the time until it must have noticed a
    loss. A `criterion` where the drill demands all of it of the baseline too. The lock is none: how it is written is
    the target's own affair.
    """
    suffix = f"_{service}".replace("-", "_") if service else ""
    said = read.ready(service).is_(200)
    stands = [(read.leader(service).is_(1), f"ready_means_leader{suffix}")]
    stands += [(beat.below(limits.heartbeat_s), f"ready_means_{beat.name}") for beat in read.heartbeats(service)]
    lag_s = float(target.fact("metrics_lag_s", LAG_S))
    means = [implies(said, one, for_s=lag_s, name=name, criterion=criterion, hint=_READY_HINT) for one, name in stands]
    lock = lock_key(target)
    if lock:
        leads = implies(
            read.leader(service).is_(1),
            Same(lock, read.instance_id(service)),
            for_s=limits.notice_s,
            name=f"leader_means_lock{suffix}",
            criterion=False,
            hint="An instance leads while another one, or nobody, has the lock: does it check who holds it?",
        )
        means.append(leads)
    return tuple(means)


_READY_HINT = "/ready says 200 before, or after, what it stands for is true: does it ask the lock and the heartbeats?"


def lock_key(target: Target) -> read.LockHolder | None:
    """Who holds the leader's lock, asked in Redis; None where it can't be asked over the network."""
    redis = target.services.get("redis")
    if redis is None or not (redis.dsn or redis.address):
        return None
    return read.LockHolder(("GET", str(target.fact("lock_key", "trader:leader"))), name="lock_key")
