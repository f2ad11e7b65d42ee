"""Redis goes away under the leader. Trading must pause at once, and resume without a human."""

from __future__ import annotations

from blackstart.expect import always, eventually, never
from blackstart.faults.stop import Stop
from blackstart.flags import Flags
from blackstart.model import Experiment, LogRow
from blackstart.suites.trader._links import redis_links
from blackstart.systems import trader as read
from blackstart.target import Target

WORDS = {"200": "ready", "503": "not_ready"}


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """The seed's flow and every line of its criteria; limits follow from what the target promises of its lock."""
    notice_s = float(target.fact("lock_refresh_s", 10.0)) + 1.0
    back_s = flags.wait_ready_timeout_s
    fresh = [
        eventually(
            heartbeat.fresh(flags.heartbeat_max_s),
            within_s=back_s,
            name=f"{heartbeat.name}_fresh",
            hint="The loop behind this heartbeat did not start again: look for its task in the orchestrator's log.",
        )
        for heartbeat in read.heartbeats()
    ]
    return Experiment(
        name="leader-lock",
        target="trader",
        hypothesis="Without Redis the leader steps down and pauses, stays healthy, and takes over again by itself.",
        refuse_if=(read.mode().is_("LIVE"),),
        link=redis_links(target),
        baseline=(
            eventually(read.leader().is_(1), name="leader_before"),
            eventually(read.ready().is_(200), name="ready_before"),
            eventually(read.paused().is_(False), name="not_paused_before"),
            eventually(read.health().is_("healthy"), name="healthy_before"),
        ),
        faults=(Stop("redis"),),
        during=(
            eventually(
                read.ready().is_(503),
                within_s=notice_s + flags.heartbeat_max_s,
                name="ready_503",
                hint="Does /ready follow the leader gauge? A dead API would show as unreachable.",
            ),
            eventually(
                read.leader().is_(0),
                within_s=notice_s,
                name="leader_0",
                hint="Check if Redis actually stopped, and the Redis connection in logs; the lock's refresh period is "
                f"{notice_s - 1:g} s, its TTL {target.fact('lock_ttl_s', 30.0):g} s.",
            ),
            eventually(
                read.paused().is_(True),
                within_s=notice_s,
                name="paused",
                hint="Losing the lock must pause trading: look for the pause in the orchestrator's log.",
            ),
        ),
        recovery=(
            eventually(
                read.ready().is_(200),
                within_s=back_s,
                name="ready_200_again",
                hint="Raise WAIT_READY_TIMEOUT if the backoff may take longer; check the heartbeats at /ready.",
            ),
            eventually(
                read.leader().is_(1),
                within_s=back_s,
                name="leader_1_again",
                hint="Check if Redis actually restarted, and orchestrator logs for re-acquire attempts (up to 90 s).",
            ),
            eventually(
                read.paused().is_(False),
                within_s=back_s,
                name="resumed",
                hint="Re-acquiring the lock must resume trading: look for the resume in the orchestrator's log.",
            ),
            *fresh,
        ),
        always=(
            always(
                read.health().is_("healthy"),
                name="health_healthy",
                hint="This is a critical failure: check the logs for unhandled exceptions.",
            ),
            always(
                read.scan_ticks().not_fallen(),
                name="no_crash",
                hint="A counter that falls means a restart: check the logs for unhandled exceptions.",
            ),
            never(read.leaders().above(1), name="one_leader"),
        ),
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
