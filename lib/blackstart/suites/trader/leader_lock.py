"""Redis goes away under the leader. Trading must pause at once, and resume without a human."""

from blackstart.faults.stop import Stop
from blackstart.model.expect import BASELINE_WITHIN_S, Expectation, eventually, never
from blackstart.model.experiment import Check, Experiment, LogRow
from blackstart.model.flags import Flags
from blackstart.model.reading import Probe
from blackstart.model.target import Target
from blackstart.suites.trader import _lost_locks
from blackstart.suites.trader import readings as read
from blackstart.suites.trader._common import Limits, consistent, steady, stored
from blackstart.suites.trader._leadership import leadership, reports
from blackstart.suites.trader._schema import NUMBER_COLUMN
from blackstart.suites.trader.link import forbidding, links

# Two more ways to lose a lock, since a stopped Redis can't give two leaders. Both need two instances.
VARIANTS = ("bounce", "freeze-leader")
WORDS = {"200": "ready", "503": "not_ready"}


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Limits follow from what the target promises of its lock, and from the flags of the original script."""
    limits = Limits.of(target, flags)
    plain = _stop_redis(target, limits, flags.hold_s)
    if not variant:
        return plain
    return _lost_locks.vary(plain, variant, target, limits)


def _stop_redis(target: Target, limits: Limits, held_s: float) -> Experiment:
    newest = newest_order(target)
    return Experiment(
        name="leader-lock",
        target="trader",
        hypothesis="Without Redis the leader steps down and pauses, stays healthy, and takes over again by itself.",
        refuse_if=forbidding(),
        link=links(target),
        baseline=(
            eventually(
                read.leader().is_(1), within_s=BASELINE_WITHIN_S, name="leader_before", requires=read.LEADER_SHOWN
            ),
            eventually(read.ready().is_(200), within_s=BASELINE_WITHIN_S, name="ready_before"),
            eventually(read.paused().is_(False), within_s=BASELINE_WITHIN_S, name="not_paused_before"),
            *(
                eventually(beat.below(limits.heartbeat_s), within_s=BASELINE_WITHIN_S, name=f"{beat.name}_before")
                for beat in read.heartbeats()
            ),
        ),
        faults=(Stop("redis"),),
        during=steps_down(limits),
        recovery=leads_again(limits),
        always=(
            *steady(),
            *consistent(target, limits, criterion=True),
            never(read.leaders().above(1), name="one_leader", hint="Two label sets lead at once in one process."),
        ),
        checks=(
            *lock_checks(limits, bool(newest) and NUMBER_COLUMN in target.facts),
            *leadership(target, ("",), limits),
        ),
        collect=reports(target, ("",)),
        watch=(read.orders_placed(), read.kill_switch(), *newest),
        hold_min_s=limits.backoff_shows_s,
        settle_s=limits.settles_s(max(limits.backoff_shows_s, held_s)),
        log_rows=(
            LogRow("leader_before", "leader", "before"),
            LogRow("leader_after_stop", "leader", "fault"),
            LogRow("leader_after_recovery", "leader", "end"),
            LogRow("ready_before", "ready", "before", WORDS),
            LogRow("ready_after_stop", "ready", "fault", WORDS),
            LogRow("ready_after_recovery", "ready", "end", WORDS),
            LogRow("scan_hb", "scan_heartbeat", "end", digits=1),
            LogRow("order_hb", "order_heartbeat", "end", digits=1),
            LogRow("md_hb", "marketdata_heartbeat", "end", digits=1),
        ),
    )


def newest_order(target: Target) -> tuple[Probe, ...]:
    """The newest order in the database: an app that places orders behind its own back does not count them either."""
    return stored(target, "SELECT coalesce(max({number}), 0) FROM {orders}", "newest_order")


def steps_down(limits: Limits) -> tuple[Expectation, ...]:
    """Without its lock it does not lead, is not ready and does not trade."""
    unsaid = limits.assumed("lock_refresh_s")
    return (
        eventually(
            read.ready().is_(503),
            within_s=limits.notice_s,
            **unsaid,
            name="ready_503",
            stays=True,
            for_s=limits.flicker_s,
            hint="Does /ready follow the leader gauge? A dead API would show as unreachable.",
        ),
        eventually(
            read.leader().is_(0),
            within_s=limits.notice_s,
            **unsaid,
            name="leader_0",
            stays=True,
            requires=read.LEADER_SHOWN,
            hint="Check if Redis actually stopped, and the Redis connection in logs. The lock is refreshed every "
            f"{limits.refresh_s:g} s and lasts {limits.ttl_s:g} s.",
        ),
        eventually(
            read.paused().is_(True),
            within_s=limits.notice_s,
            **unsaid,
            name="paused",
            stays=True,
            requires=read.PAUSED_SHOWN,
            hint="Trading must pause immediately on lock loss: look for the pause in the orchestrator logs.",
        ),
    )


def leads_again(limits: Limits) -> tuple[Expectation, ...]:
    """By itself, with all that goes with it."""
    return (
        eventually(
            read.ready().is_(200),
            within_s=limits.back_s,
            name="ready_200_again",
            stays=True,
            for_s=limits.flicker_s,
            hint="Wait longer with WAIT_READY_TIMEOUT if the backoff may take longer; check the heartbeats at /ready.",
        ),
        eventually(
            read.leader().is_(1),
            within_s=limits.back_s,
            name="leader_1_again",
            stays=True,
            requires=read.LEADER_SHOWN,
            hint="Check if Redis actually restarted; wait longer for auto-reacquire (up to 90 s); check orchestrator "
            "logs for re-acquire attempts.",
        ),
        eventually(
            read.paused().is_(False),
            within_s=limits.back_s,
            name="resumed",
            stays=True,
            requires=read.PAUSED_SHOWN,
            hint="Re-acquiring the lock must resume trading: look for the resume in the orchestrator logs.",
        ),
        *(
            eventually(
                beat.fresh(limits.heartbeat_s),
                within_s=limits.back_s,
                name=f"{beat.name}_fresh",
                requires=f"{beat.series} at /metrics",
                hint="The loop behind this heartbeat did not start again: look for its task in the orchestrator logs.",
            )
            for beat in read.heartbeats()
        ),
    )


def lock_checks(
    limits: Limits,
    database: bool,
    under_way_s: float = 0.0,
    counters: tuple[str, ...] = ("orders_placed", "newest_order"),
) -> tuple[Check, ...]:
    """Without a way to ask the database, or the name of what to ask it for, orders that the app does not count can't be
    seen: told, but no criterion. What was under way when trading paused may be told of for `under_way_s` longer."""
    slack = {"slack_s": under_way_s} if under_way_s else {}
    return (
        Check(
            "steady_while",
            "no_order_while_paused",
            {"counters": counters, "flag": "paused", **slack},
            hint="Something places orders without asking whether trading is paused.",
            criterion=database,
        ),
        Check(
            "gaps_grow",
            "backoff_grows",
            {
                "counter": read.kill_switch().name,
                "backoff_s": limits.backoff_s,
                "jitter_s": limits.jitter_s,
                "refresh_s": limits.refresh_s,
                **limits.assumed("backoff_s"),
            },
            hint="Attempts to take the lock back must come further and further apart.",
        ),
    )
