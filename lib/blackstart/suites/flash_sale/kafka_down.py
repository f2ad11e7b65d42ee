"""Kafka goes away. Orders are refused in time, and none is accepted; what it leaves between the stocks is told."""

from blackstart.faults.stop import Stop
from blackstart.model.experiment import Check, Experiment
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
        "Without Kafka orders are refused in time, as promised; no unit of stock is lost or sold twice.",
        words=("Kafka stopped", "Kafka started"),
        # Undone the other way round: the first may be what the others need to start.
        faults=tuple(Stop(name) for name in reversed(read.brokers(target) or ["kafka"])),
        recovery=(common.takes_orders_again(flags.wait_ready_timeout_s), common.catches_up(target)),
        always=common.same_process(*read.instances(target)),
        checks=(common.felt(), *rejected("kafka"), common.refused_in_time(limit_s), common.stays_accepted()),
        hold_min_s=max(5.0, limit_s + BEYOND_S),
        undo_timeout_s=BACK_WITHIN_S,
    )


def rejected(*brokers: str) -> tuple[Check, ...]:
    """Orders that nobody can keep are told so with 500 and its body; of 200 no more than come of orders that were
    accepted before and are sent again. No new one is accepted while the control of one of these brokers sees it
    stopped, which not every control can say. Of a k6 script no body is recorded.
    """
    asked = {"phase": "fault", "op": common.ORDER}
    refused = ["and", ["==", "status", 500], ["in", "error.code", ["error", ""]]]
    claim = {"claim": ["or", ["in", "status", [200, 302, 409]], refused], "text": "refused with 500 and status error"}
    accepted = "Orders are accepted although nobody keeps them."
    return (
        Check(
            "outcomes",
            "orders_rejected",
            {"allowed": ("302", "409", "500"), **asked, "meanwhile": True, "min_share": 0.9},
            hint=accepted,
        ),
        Check(
            "claim_holds", "refused_as_promised", {**claim, **asked}, hint="Orders fail in another way than with 500."
        ),
        *(
            Check(
                "none_while",
                f"none_accepted_without_{name.replace('-', '_')}",
                {
                    "flag": f"{name}_status",
                    "value": "stopped",
                    "detail": "success",
                    "op": common.ORDER,
                    "trials": False,
                },
                hint=accepted,
                criterion=False,
            )
            for name in brokers
        ),
    )
