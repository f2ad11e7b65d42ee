"""Redis answers late. Orders take longer by its round trips, and are still accepted: no error is the gateway's own."""

from blackstart.faults.latency import Latency
from blackstart.model.experiment import Check, Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.flash_sale import _sale as common
from blackstart.suites.flash_sale import readings as read

VARIANTS = ("ms50", "ms500")
USUAL_MS = 100
MOST_ERRORS = 0.01
# How often an order may ask Redis, one after the other, where the target does not say it.
ROUND_TRIPS = 4
SPARE_MS = 200


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """100 ms, or what the variant says; at 500 ms an application may refuse, and what it accepts must still be true."""
    delay_ms = int(variant.removeprefix("ms")) if variant else USUAL_MS
    still_served = () if delay_ms >= 500 else (common.served("fault", 1 - MOST_ERRORS, "errors_under_1_percent"),)
    trips = int(target.fact("redis_round_trips", ROUND_TRIPS))
    limit = {"limits_ms": {"p50": trips * delay_ms + SPARE_MS}, "outcome": "ok", "op": common.ORDER}
    return common.plain(
        target,
        f"redis-latency-{variant}" if variant else "redis-latency",
        f"With a Redis that answers {delay_ms} ms late orders take longer, and none is lost or refused for it.",
        words=("Redis slowed", "Redis at its own pace"),
        faults=(Latency("redis", delay_ms),),
        recovery=(common.takes_orders_again(flags.wait_ready_timeout_s), common.catches_up(target)),
        always=common.same_process(*read.instances(target), "worker"),
        checks=(
            common.felt(slow_ms=delay_ms),
            *still_served,
            Check("latency_within", "accepted_in_time", {**limit, "phase": "fault"}, criterion=delay_ms < 500),
            common.stays_accepted(),
        ),
        hold_min_s=6.0,
    )
