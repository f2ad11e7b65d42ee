"""C-02: Redis answers two seconds late. The breaker opens, requests fail fast or fall back, and it closes again."""

from blackstart.faults.latency import Latency
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.gateway import _common as common

RATE_PER_S = 100.0
TRIPS_WITHIN_S = 2.0
STAYS_CLOSED_S = 3.0
"""As long as a breaker needs at this rate to judge its calls anew: one that flaps is closed for a while, too."""


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Rows C-02, R-2 and R-3: open within 2 s, P99 below 100 ms, half-open and closed within the open time + 15 s."""
    half_open = eventually(
        common.breaker(target, "half_open").is_(1),
        name="half_open_seen",
        momentary=True,
        hint="An open breaker must try again after its open time.",
    )
    return common.plain(
        target,
        "redis-latency",
        "With a slow Redis the breaker opens and requests fail fast or are answered by the fallback.",
        faults=(Latency("redis", latency_ms=2000, jitter_ms=200),),
        during=(
            common.opens(
                target, 15.0, "Does the breaker wrap the calls to Redis, and does Redis have a time limit at all?"
            ),
            eventually(
                common.breaker(target, "open").is_(1), within_s=TRIPS_WITHIN_S, name="opens_within_2s", momentary=True
            ),
        ),
        recovery=(
            common.after_open(target, half_open),
            common.closes_again(target, for_s=STAYS_CLOSED_S),
            common.counts_again(target, "full_recovery"),
        ),
        traffic=common.steady_traffic(target, RATE_PER_S),
        checks=(
            common.fault_observed(target),
            common.no_call_while_open(target),
            common.stays_served(target),
            common.answered("answers_503_or_fallback", ("200", "503")),
            common.within("fails_fast_p99", "fault", hint="Requests wait for the slow Redis.", p99=100.0),
        ),
        hold_min_s=5.0,
        hold_max_s=60.0,
        needs={common.OPEN_S: ("half_open_seen", "closes_again", "full_recovery")},
    )
