"""Redis goes away, and with it stock, gate and keys. The sale halts: no order is accepted, and it resumes by itself."""

from blackstart.faults.pause import Pause
from blackstart.model.experiment import Check, Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.flash_sale import _sale as common
from blackstart.suites.flash_sale import readings as read


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Paused, not ended: one that is started anew has forgotten the stock, which is another test."""
    return common.plain(
        target,
        "redis-down",
        "Without Redis the sale halts, as nobody knows what is left; it resumes by itself.",
        words=("Redis paused", "Redis resumed"),
        faults=(Pause("redis"),),
        recovery=(common.takes_orders_again(flags.wait_ready_timeout_s), common.catches_up(target)),
        always=common.same_process(*read.instances(target), "worker"),
        checks=(common.felt(premise=False), halted(), common.answered(), common.stays_accepted()),
        hold_min_s=5.0,
    )


def halted() -> Check:
    """Of what is sent meanwhile nothing is accepted before Redis is back; what waits for it, in a patient application,
    may be."""
    return Check(
        "none_acknowledged",
        "none_accepted_without_stock",
        {"op": common.ORDER},
        hint="Orders are accepted although nobody can know what is left.",
    )
