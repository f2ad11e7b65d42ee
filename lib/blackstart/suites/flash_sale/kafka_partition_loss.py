"""The broker that has the orders goes away, and Kafka goes on. Orders are refused in time, and none is accepted."""

from blackstart.faults.lose_partition import LosePartition
from blackstart.model.expect import always
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.probes.kafka_brokers import Brokers
from blackstart.suites.flash_sale import _sale as common
from blackstart.suites.flash_sale import readings as read
from blackstart.suites.flash_sale.kafka_down import BACK_WITHIN_S, BEYOND_S, rejected


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Unlike without Kafka, whoever asks it gets an answer: that nobody leads the partition."""
    limit_s = common.refused_within_s(target)
    return common.plain(
        target,
        "kafka-partition-loss",
        "While nobody leads the partition orders are refused in time, as promised, and placed once at most.",
        words=("Partition lost", "Partition back"),
        faults=(LosePartition(read.topic(target)),),
        during=(always(Brokers(name="brokers").at_least(1), name="kafka_answers"),),
        recovery=(common.takes_orders_again(flags.wait_ready_timeout_s), common.catches_up(target)),
        always=common.same_process(*read.instances(target)),
        checks=(
            common.felt(premise=False),
            *rejected(*read.brokers(target)[1:], k6=bool(flags.k6)),
            common.refused_in_time(limit_s),
            common.stays_accepted(),
        ),
        hold_min_s=max(5.0, limit_s + BEYOND_S),
        undo_timeout_s=BACK_WITHIN_S,
    )
