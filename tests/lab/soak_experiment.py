"""The soak's run: the flash sale's own load and its own comparison of every store, until enough orders are placed.

It breaks nothing itself: `tests.lab.sale_soak` kills and stops meanwhile, from outside.
"""

import os
from dataclasses import replace

from blackstart.loads import constant
from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment, Traffic
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.flash_sale import _sale as common
from blackstart.suites.flash_sale import readings as read

LONGEST_S = 3600.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """As many orders a second, and until as many are placed, as SOAK_RATE and SOAK_ORDERS say."""
    orders, rate_per_s = int(os.environ["SOAK_ORDERS"]), float(os.environ["SOAK_RATE"])
    made = common.plain(
        target,
        "soak",
        "Whenever the worker is killed, and Kafka stopped, each acknowledged order is placed once.",
        faults=(),
        recovery=(common.takes_orders_again(60.0), common.catches_up(target)),
        hold_max_s=LONGEST_S,
        total_max_s=2 * LONGEST_S,
    )
    assert made.traffic is not None
    load = replace(made.traffic.load, stages=constant(rate_per_s))
    # What an outage has left is sent again for minutes: on a small machine eight times each would never let it recover.
    load = replace(load, retry=replace(load.retry, times=3, after_s=2.0, max_after_s=8.0))
    # The last ones are soon gone: enough of them for a sale that oversells, and no more.
    order, last = load.operations
    load = replace(load, operations=(replace(order, weight=19), last))
    placed = read.placed(load.key_prefix).above(orders)
    return replace(
        made,
        traffic=Traffic(load),
        during=(eventually(placed, within_s=LONGEST_S, name="enough_orders_placed"),),
    )
