"""Kafka goes away. Orders are refused in time and none is placed; what it leaves between the stocks is told."""

from blackstart.faults.stop import Stop
from blackstart.model.experiment import Check, Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.flash_sale import _sale as common
from blackstart.suites.flash_sale import readings as read

# So many orders have come to the limit before Kafka is back, and some of them were sent again meanwhile.
BEYOND_S = 4.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """No order is answered as accepted while nobody can keep it."""
    limit_s = common.refused_within_s(target)
    return common.plain(
        target,
        "kafka-down",
        "Without Kafka orders are refused in time, and no unit of stock is lost or sold twice.",
        words=("Kafka stopped", "Kafka started"),
        faults=(Stop("kafka"),),
        recovery=(common.takes_orders_again(flags.wait_ready_timeout_s), common.catches_up(target)),
        always=common.same_process(*read.instances(target)),
        checks=(
            common.felt(),
            Check(
                "latency_within",
                "refused_in_time",
                {
                    "limits_ms": {"max": limit_s * 1000},
                    "outcome": "",
                    "op": common.ORDER,
                    "phase": "fault",
                },
                hint="An order waited for Kafka: its calls need a time limit.",
            ),
            common.stays_accepted(),
        ),
        hold_min_s=max(5.0, limit_s + BEYOND_S),
    )
