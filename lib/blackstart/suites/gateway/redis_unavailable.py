"""C-01: Redis is cut off. Requests bypass rate limiting and succeed, and the error is logged."""

from blackstart.faults.cut import Cut
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.gateway import _common as common
from blackstart.suites.gateway import readings as read

RATE_PER_S = 100.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Fail-open: more than 99 % of the answers are 200, within 50 ms."""
    return common.plain(
        target,
        "redis-unavailable",
        "Without Redis the gateway fails open: requests bypass rate limiting and succeed.",
        faults=(Cut("redis"),),
        during=(
            eventually(
                read.log_says("(?i)connection error", "connection_errors_logged").above(0),
                within_s=5.0,
                name="error_logged",
                hint="The gateway says nothing of its lost Redis: nobody would notice that limits are off.",
            ),
        ),
        traffic=common.steady_traffic(target, RATE_PER_S),
        checks=(
            common.fault_observed(target),
            common.no_call_while_open(target),
            common.stays_served(target),
            common.answered(
                "fails_open",
                ("200",),
                share=0.99,
                hint="The limiter fails closed: what does it do when Redis can't be asked?",
            ),
            common.within(
                "latency_under_50ms",
                "fault",
                hint="Each request waits for Redis: its time limit is too long, or nothing remembers that it is away.",
                p99=50.0,
            ),
        ),
        recovery=(common.counts_again(target, "serves_again"), common.closes_again(target)),
        hold_min_s=5.0,
        needs={common.OPEN_S: ("serves_again", "closes_again")},
    )
