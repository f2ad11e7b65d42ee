"""What the shop's experiments share: orders of a product of their own, and every event compared with what was told."""

import json
from collections.abc import Mapping
from typing import Any

from blackstart.loads import OpenLoop, Operation, Retry, constant
from blackstart.model.expect import BASELINE_WITHIN_S, Expectation, always, eventually
from blackstart.model.experiment import Check, EvidenceRow, Experiment, Traffic
from blackstart.model.step import HttpCall, Step
from blackstart.model.target import Target
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.suites.shop import readings as read
from blackstart.suites.shop.link import links

ORDER, CONFIRMED = "order", "confirmed"
ORDERS_PER_S = 10.0
EVENTS_OF_ORDER = 2
"""OrderCreated, and what came of it."""
_PRODUCT, _AMPLE = "chaos-product", 1_000_000_000
_AGAIN = Retry(times=5, after_s=1.0, max_after_s=8.0, acknowledged_every=5)
_SPARE_S = 1.0
_THERE_ALREADY = (200, 201, 204, 409)


def answered_within_s(target: Target) -> float:
    """What any answer may take at most: the shop's own limit, and a bit."""
    return float(target.fact("answer_timeout_s", 3.0)) + _SPARE_S


def catch_up_s(target: Target) -> float:
    """How long what has queued up may take to be worked off."""
    return float(target.fact("catch_up_s", 30.0))


def settled_within_s(target: Target) -> float:
    """How long an order may stay pending once what it waits for is back."""
    return float(target.fact("settled_within_s", 60.0))


def steps(target: Target, product: str = _PRODUCT, quantity: int = _AMPLE) -> tuple[Step, ...]:
    """A product that drills alone order, in the catalog and in the inventory; what is there already stays."""
    calls = (
        ("POST", "product-catalog:/api/v1/products", {"id": product, "name": "sold by drills"}),
        ("PUT", f"inventory-1:/api/v1/inventory/{product}", {"quantity": quantity}),
    )
    told = dict(target.headers)
    return tuple(HttpCall(how, target.url(at), body, told, _THERE_ALREADY) for how, at, body in calls)


def orders(target: Target, rate_per_s: float = ORDERS_PER_S) -> OpenLoop:
    """Orders with ids of their own, their keys. Some that were acknowledged are sent again, as by a client in doubt."""
    order = Operation(
        name=ORDER,
        url="/orders",
        method="POST",
        headers={"Content-Type": "application/json"},
        body=json.dumps({"order_id": "{key}", "product_id": _PRODUCT, "quantity": 1}),
        timeout_s=answered_within_s(target) + 2 * _SPARE_S,
        detail_from="json:order.status",
        error_from="json:error.code",
    )
    return OpenLoop((order,), constant(rate_per_s), name="orders", retry=_AGAIN)


def plain(target: Target, name: str, hypothesis: str, *, rate_per_s: float = ORDERS_PER_S, **more: Any) -> Experiment:
    """What every experiment that is about orders begins and ends with."""
    load = orders(target, rate_per_s)
    prefix = load.key_prefix
    catch_up = catch_up_s(target)
    return Experiment(
        name=name,
        target="shop",
        hypothesis=hypothesis,
        link=links(target),
        prepare=steps(target),
        baseline=(
            eventually(read.ready("order").is_(200), within_s=BASELINE_WITHIN_S, name="order_ready_before"),
            eventually(confirmed(), within_s=BASELINE_WITHIN_S, name="orders_confirmed_before"),
            eventually(read.placed(prefix).above(0), within_s=BASELINE_WITHIN_S, name="orders_placed_before"),
        ),
        traffic=Traffic(load),
        always=(stays_up("order"), same_process("order"), *more.pop("always", ())),
        drained=(
            eventually(
                read.waiting().is_(0),
                within_s=catch_up,
                name="queue_drains",
                hint="Events still wait in order's queue.",
            ),
            eventually(
                read.lag(target).is_(0),
                within_s=catch_up,
                name="backlog_drains",
                hint="Events still wait in Kafka: does the consumer read, and commit?",
            ),
            eventually(
                read.untold(prefix).is_(0),
                within_s=max(catch_up, settled_within_s(target)),
                name="confirmed_orders_told",
                hint="An order is pending still, or is confirmed and lacks its OrderCreated or its InventoryReserved.",
            ),
        ),
        checks=(at_stake(), *more.pop("checks", ()), *told_once()),
        collect=(read.created(prefix), read.out_of_order(prefix)),
        watch=(read.waiting(), read.lag(target), *more.pop("watch", ())),
        evidence_rows=(*rows(read.WAITING, more.pop("broke"), more.pop("mended")), *more.pop("evidence_rows", ())),
        **more,
    )


def confirmed() -> Any:
    """The last order that had an answer was confirmed: it has its stock."""
    return LoadOutcome(usual=CONFIRMED).is_("ok")


def confirmed_again(within_s: float) -> Expectation:
    """Orders are confirmed again."""
    return eventually(
        confirmed(),
        within_s=within_s,
        for_s=0.5,
        name="orders_confirmed_again",
        hint="Orders still fail or stay pending after the fault: are connections and addresses renewed by themselves?",
    )


def stays_up(service: str) -> Expectation:
    """It answers, whatever it lacks."""
    return always(read.health(service).is_(200), name=f"{service.replace('-', '_')}_answers")


def same_process(service: str) -> Expectation:
    """It goes on as it is: one that is restarted has not come back by itself."""
    return always(
        read.started(service).as_before(),
        name=f"{service.replace('-', '_')}_same_process",
        requires=f"process_start_time_seconds at {service}:/metrics",
        hint=f"{service} was restarted: look for the reason in its log.",
    )


def at_stake() -> Check:
    """Proof that orders were accepted when the fault came."""
    return Check("went_on", "orders_went_on", {"op": ORDER, "idle": {"409": "sold out"}})


def in_time(target: Target, name: str, phase: str = "fault") -> Check:
    """Every answer came soon, whatever it was."""
    limit = {"limits_ms": {"max": answered_within_s(target) * 1000}, "outcome": "", "op": ORDER, "phase": phase}
    return Check("latency_within", name, limit, hint="An order waited for what was away: its calls need a limit.")


def only(name: str, allowed: tuple[str, ...], phase: str, share: float = 1.0, hint: str = "") -> Check:
    """Orders are answered so, at this share at least."""
    params: Mapping[str, Any] = {"allowed": allowed, "phase": phase, "min_share": share, "op": ORDER}
    return Check("outcomes", name, params, hint=hint)


def stays_confirmed() -> Check:
    """Once it has recovered it stays so."""
    usual = {"op": ORDER, "phase": "settle", "min_share": 0.95, "usual": CONFIRMED}
    return Check("acknowledged", "orders_stay_confirmed", usual)


def told_once() -> tuple[Check, ...]:
    """Every order against the events that were written of it."""
    nothing = {"unless": "created", "unless_is": "[]"}
    return (
        Check(
            "exactly_once",
            "events_written_once",
            {"source": "created", "drained": read.LAG, "op": ORDER},
            hint="Of an accepted order no OrderCreated is written, or two: who drops events, or tells them anew?",
        ),
        Check(
            "final_is",
            "events_in_order",
            {"probe": "out_of_order", "wanted": 0, **nothing},
            hint="What followed was written before its OrderCreated: in which order are events replayed?",
        ),
    )


def rows(queue: str, broke: str, mended: str) -> tuple[EvidenceRow, ...]:
    """`broke` and `mended` say what the fault and its undo are."""
    waited = (
        ("Events waiting at most", "highest", "events"),
        ("Events waiting when it was undone", "at_undo", "events"),
    )
    return (
        EvidenceRow(f"{broke} at", "moment", {"side": "do"}),
        EvidenceRow(f"{mended} at", "moment", {"side": "undo"}),
        *(EvidenceRow(text, "backlog", {"probe": queue, "figure": one, "unit": unit}) for text, one, unit in waited),
        EvidenceRow("Recovery time", "recovery"),
        EvidenceRow("Availability", "availability"),
        EvidenceRow("Latencies (fault)", "latencies", {"phase": "fault"}),
        EvidenceRow("Answers while it was in force", "answers", {"phase": "fault"}),
        EvidenceRow("Orders told of", "total", {"source": "created"}),
    )
