"""The way from the API to Redis is cut. No order passes the gate that nobody can count at; it resumes by itself."""

from blackstart.faults.cut import Cut
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.flash_sale import _sale as common
from blackstart.suites.flash_sale import readings as read
from blackstart.suites.flash_sale.redis_down import halted


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """At its fault proxy. An application that says that it lets orders in without its gate may accept them."""
    promised = () if target.fact("gate_fails_open", False) else (halted(),)
    return common.plain(
        target,
        "redis-partition",
        "Cut off from Redis no order is accepted past gate and stock; orders are accepted again by themselves.",
        words=("Redis cut off", "Redis reachable again"),
        faults=(Cut("redis"),),
        recovery=(common.takes_orders_again(flags.wait_ready_timeout_s), common.catches_up(target)),
        always=common.same_process(*read.instances(target), "worker"),
        checks=(common.felt(), *promised, common.answered(), common.stays_accepted()),
        hold_min_s=5.0,
    )
