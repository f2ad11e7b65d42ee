"""PostgreSQL goes away. Orders are accepted and queue up; the worker places them by itself when it is back."""

from blackstart.faults.stop import Stop
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.flash_sale import _sale as common
from blackstart.suites.flash_sale import readings as read


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """The same worker goes on: one that a supervisor starts anew has not retried."""
    return common.plain(
        target,
        "database-down",
        "Without PostgreSQL orders are accepted and queue up; the worker places them by itself once it is back.",
        words=("Database stopped", "Database started"),
        faults=(Stop("postgres"),),
        recovery=(common.catches_up(target),),
        always=common.same_process("worker", *read.instances(target)),
        checks=(common.backlog_grew(), *common.uninterrupted()),
        hold_min_s=common.GOES_ON_S,
    )
