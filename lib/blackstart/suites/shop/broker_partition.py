"""What order sends to Kafka is lost. Orders go on while events queue up, and each is told once, in its order, later."""

from typing import Any

from blackstart.base.errors import NotShown
from blackstart.faults.blackhole import Blackhole
from blackstart.faults.drop import Drop
from blackstart.model.expect import Expectation, always, eventually
from blackstart.model.experiment import Check, EvidenceRow, Experiment
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.shop import _orders as common
from blackstart.suites.shop import readings as read

# So long after the queue is full the service is still watched, so that what it does then is seen.
BEYOND_S = 5.0
_BOUND = 300
_FULL_SHARE = 0.9
# A fault of the network lapses after 600 s.
_LONGEST_S = 570.0
_QUEUE_FULL = "QUEUE_FULL"


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """Long enough that the queue is full at the end. Raises NotShown for one that takes too long to fill."""
    bound = int(target.fact("queue_bound", _BOUND))
    full_s = bound / (common.ORDERS_PER_S * common.EVENTS_OF_ORDER)
    full_within_s = 2 * full_s + BEYOND_S
    if full_within_s + BEYOND_S > _LONGEST_S:
        raise NotShown(
            f"broker-partition fills order's queue with {common.ORDERS_PER_S:g} orders a second: one of {bound} events "
            f"may take {full_within_s:.0f} s, and Kafka is cut off for {_LONGEST_S:g} s at most. "
            "Run it on a shop with a smaller queue_bound"
        )
    replayed_s = common.catch_up_s(target)
    return common.plain(
        target,
        "broker-partition",
        "Without Kafka events queue up to their bound, answers stay quick, and all events are replayed once, in order.",
        broke="Kafka cut off",
        mended="Kafka back",
        faults=(_partition(target),),
        during=(_fills(bound, full_within_s),),
        recovery=(
            eventually(
                read.waiting().below(max(1, bound // 10)),
                within_s=replayed_s,
                for_s=1.0,
                name="events_replayed",
                hint="Kafka is back and the queue does not empty: does its client connect anew?",
            ),
            common.confirmed_again(replayed_s),
        ),
        always=(*_bounded(target, bound), common.same_process("event-consumer")),
        checks=(
            Check("queue_grew", "events_queued", {"probe": read.WAITING, "least": min(10, _full(bound))}),
            common.in_time(target, "answered_in_time"),
            common.only("answered_meanwhile", ("2xx", "503"), "fault", hint="Orders got no answer, or a wrong one."),
            Check(
                "code_returned",
                "refused_clearly",
                {"code": _QUEUE_FULL, "op": common.ORDER},
                hint="An order failed for another reason than that the queue is full.",
            ),
            common.stays_confirmed(),
            *_undeclared(target),
        ),
        watch=(read.replayed(),),
        evidence_rows=(EvidenceRow("Events replayed since order began", "followed", {"probe": read.replayed().name}),),
        hold_min_s=full_s + BEYOND_S,
        hold_max_s=max(120.0, full_within_s + BEYOND_S),
        needs={"queue_bound": ("queue_bounded",)},
    )


def _partition(target: Target) -> Any:
    """In the proxy on the way, which needs no rights; without one, by a rule of iptables at the broker's port."""
    return Blackhole("kafka") if target.service("kafka").proxy_name else Drop("kafka")


def _full(bound: int) -> int:
    return max(1, int(bound * _FULL_SHARE))


def _fills(bound: int, within_s: float) -> Expectation:
    return eventually(
        read.waiting().at_least(_full(bound)),
        within_s=within_s,
        name="queue_fills",
        requires="shop_queue_depth at order:/metrics",
        hint="Events are told of nowhere, and do not wait: are they dropped?",
    )


def _bounded(target: Target, bound: int) -> tuple[Expectation, ...]:
    if "queue_bound" not in target.facts:
        return ()
    return (
        always(
            read.waiting().at_most(bound),
            name="queue_bounded",
            requires="shop_queue_depth at order:/metrics",
            hint="More events wait than there may: what is full must refuse orders before it takes them.",
        ),
    )


def _undeclared(target: Target) -> tuple[Check, ...]:
    if "queue_bound" in target.facts:
        return ()
    missing = {"facts": ["queue_bound (how many events may wait)"], "expected": "no more than that ever wait"}
    return (Check("undeclared_fact", "queue_bounded", missing),)
