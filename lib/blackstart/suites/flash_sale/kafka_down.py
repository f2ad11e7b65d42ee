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
        checks=(
            common.felt(premise=False),
            *rejected("kafka", k6=bool(flags.k6)),
            common.refused_in_time(limit_s),
            common.stays_accepted(),
        ),
        hold_min_s=max(5.0, limit_s + BEYOND_S),
        undo_timeout_s=BACK_WITHIN_S,
    )


def rejected(*brokers: str, k6: bool) -> tuple[Check, ...]:
    """Orders that nobody can keep are told so with 500 and its body, of which a script of `k6` records nothing; of 200
    no more than come of orders that were accepted before and are sent again. No new one is accepted while the control
    of one of these brokers sees it stopped, which not every control can say.
    """
    refused = ["and", ["==", "status", 500], ["in", "error.code", ["error", ""] if k6 else ["error"]]]
    known = ["and", ["==", "status", 200], ["==", "result", "success"]]
    claim = ["or", ["in", "status", [302, 409]], ["or", known, refused]]
    asked = {"claim": claim, "text": "refused with 500 and status error", "phase": "fault", "op": common.ORDER}
    accepted = "Orders are accepted although nobody keeps them."
    return (
        Check("none_acknowledged", "orders_rejected", {"op": common.ORDER, "min_share": 0.9}, hint=accepted),
        common.answered(),
        Check("claim_holds", "refused_as_promised", asked, hint="Orders fail in another way than with 500."),
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
