"""Kafka goes away. Orders are refused in time and none is placed; what it leaves between the stocks is told."""

from blackstart.faults.stop import Stop
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.flash_sale import _sale as common
from blackstart.suites.flash_sale import readings as read

# So many orders have come to the limit before Kafka is back, and some of them were sent again meanwhile.
BEYOND_S = 4.0
# A broker that starts reads what it kept, in a Java that has just begun: on a busy machine that takes its time.
BACK_WITHIN_S = 120.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """No order is answered as accepted while nobody can keep it."""
    limit_s = common.refused_within_s(target)
    return common.plain(
        target,
        "kafka-down",
        "Without Kafka orders are refused in time, and no unit of stock is lost or sold twice.",
        words=("Kafka stopped", "Kafka started"),
        # Undone the other way round: the first may be what the others need to start.
        faults=tuple(Stop(name) for name in reversed(read.brokers(target) or ["kafka"])),
        recovery=(common.takes_orders_again(flags.wait_ready_timeout_s), common.catches_up(target)),
        always=common.same_process(*read.instances(target)),
        checks=(
            common.felt(),
            common.refused_in_time(limit_s),
            common.stays_accepted(),
        ),
        hold_min_s=max(5.0, limit_s + BEYOND_S),
        undo_timeout_s=BACK_WITHIN_S,
    )
