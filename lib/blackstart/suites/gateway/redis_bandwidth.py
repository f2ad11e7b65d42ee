"""C-05: Redis gets 1 KB/s. Time-outs occur, and the breaker trips before the workers run out."""

from dataclasses import replace

from blackstart.faults.bandwidth import Bandwidth
from blackstart.model.expect import Expectation, always, eventually
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.gateway import _common as common
from blackstart.suites.gateway import readings as read

RATE_PER_S = 200.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """OPEN is seen and logged; the active workers stay below their limit."""
    made = common.plain(
        target,
        "redis-bandwidth",
        "With a narrow way to Redis calls time out and the breaker trips, which protects the workers.",
        # A limiter asks with some 200 bytes and gets ten: on the way back, and on each of many connections, 1 KB/s is
        # enough for a gateway to notice nothing.
        faults=(Bandwidth("redis", rate_kbytes_per_s=1, stream="upstream"),),
        during=(
            common.opens(target, 30.0, "Does Redis have a time limit, and does the breaker count time-outs?"),
            eventually(
                read.log_says("(?i)open circuit", "open_circuit_logged").above(0), within_s=30.0, name="open_logged"
            ),
        ),
        recovery=(common.counts_again(target, "serves_again"), common.closes_again(target)),
        traffic=common.steady_traffic(target, RATE_PER_S),
        checks=(common.fault_observed(target), common.no_call_while_open(target), common.stays_served(target)),
        hold_min_s=3.0,
        hold_max_s=60.0,
        needs={common.OPEN_S: ("serves_again", "closes_again")},
    )
    return replace(made, always=(*made.always, _bounded(target)))


def _bounded(target: Target) -> Expectation:
    """Below the limit that the target states, else below the one that the gateway itself shows."""
    stated = target.fact("max_workers", None)
    return always(
        read.busy_workers_percent().below(100) if stated is None else read.active_workers().below(float(stated)),
        name="workers_bounded",
        requires=f"gateway_workers_active at {read.PAGE}, and its limit: gateway_workers_max there, or max_workers "
        "under [facts] of the target file",
        hint="Every request holds a worker while it waits for Redis.",
    )
