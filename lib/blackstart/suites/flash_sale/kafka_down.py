"""Kafka goes away. Orders are refused in time and none is placed; what it leaves between the stocks is told."""

from blackstart.faults.stop import Stop
from blackstart.model.experiment import Check, Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.flash_sale import _sale as common
from blackstart.suites.flash_sale import readings as read

REFUSED_WITHIN_S = 5.0
# Beyond the application's own time limit, an answer may take this much longer.
SPARE_S = 1.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """No order is answered as accepted while nobody can keep it."""
    within_s = float(target.fact("refused_within_s", target.fact("kafka_timeout_s", REFUSED_WITHIN_S)))
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
                    "limits_ms": {"max": (within_s + SPARE_S) * 1000},
                    "outcome": "",
                    "op": common.ORDER,
                    "phase": "fault",
                },
                hint="An order waited for Kafka: its calls need a time limit.",
            ),
            common.stays_accepted(),
        ),
        hold_min_s=5.0,
    )
