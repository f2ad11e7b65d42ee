"""What the flash sale's experiments share: stock set anew, orders with users of their own, the stores compared."""

from dataclasses import dataclass, replace
from typing import Any

from blackstart.base.errors import BadTarget
from blackstart.loads import K6, OpenLoop, Operation, Retry, constant
from blackstart.model.expect import BASELINE_WITHIN_S, Condition, Expectation, always, eventually
from blackstart.model.experiment import Check, Experiment, Traffic
from blackstart.model.step import HttpCall, Step
from blackstart.model.target import Target
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.probes.sql import SqlScalar
from blackstart.suites.flash_sale import readings as read
from blackstart.suites.flash_sale._evidence import rows as evidence_rows
from blackstart.suites.flash_sale.link import links
from blackstart.suites.flash_sale.system import SYSTEM

ORDER, LAST_ONES = "order", "last_ones"
"""The operations of the load: orders of a product that does not run out, and of one that soon does."""
AMPLE = 100_000
SOLD_OUT_S = 7.3
"""So soon the few are sold, from the first order on, as long as orders are accepted."""
GOES_ON_S = 9.0
"""What is broken without an end to the orders stays so for so long: the few are sold meanwhile."""
WORDS = ("Fault injected", "Fault undone")
SERVED = ("200", "302", "409")
"""What an order may be answered: accepted (or known already), sent to the waiting room, sold out."""
_SHARE_OF_GATE = 0.55  # what is sent again counts at the gate, too
_LAST_ONES_EVERY = 5
# A key that is known is promised 200 `ignored`: who is told 409 instead is denied an order that was accepted.
_AGAIN = Retry(times=8, after_s=1.0, max_after_s=4.0, acknowledged_every=5, twice_every=7, known_statuses=())
_ORDER_TIMEOUT_S = 8.0
_REFUSED_WITHIN_S, _SPARE_S = 5.0, 1.0
_IDEMPOTENCY = "x-idempotency-key"
_REVIVED_WITHIN_S = 10.0


@dataclass(frozen=True)
class Sale:
    """The products of this run, what is sold of them, and the load that buys them."""

    product: str
    init: str
    load: OpenLoop

    @property
    def scarce(self) -> str:
        """The product that runs out."""
        return f"{self.product}-last"

    def k6(self, target: Target) -> K6:
        """What a k6 script is given: where to order what, how often, and how its keys, which are its users, begin."""
        told = {"BASE_URL": target.api, "PRODUCT": self.product, "PRODUCT_LAST": self.scarce}
        rate = {"RATE_PER_S": str(max(1, int(self.load.stages[0].rate_per_s))), "ORDER_PREFIX": self.load.key_prefix}
        return K6(
            "given by --k6", args=("--max-redirects", "0"), env={**told, **rate}, name=self.load.name,
            key_prefix=self.load.key_prefix, key_method=self.load.operations[0].method, ok_statuses=("200",),
            fail_statuses=("3xx", "4xx"), info_statuses=("5xx",),
        )  # fmt: skip

    def few(self, sold_out_s: float) -> int:
        """How many units are sold in so many seconds."""
        return max(2, round(self.load.stages[0].rate_per_s / _LAST_ONES_EVERY * sold_out_s))

    def steps(self, target: Target, few: int) -> tuple[Step, ...]:
        """Both stocks set to a known value, and the orders of before cleared, as the target's own route does it."""
        stocks = {self.product: AMPLE, self.scarce: few}
        return tuple(
            HttpCall("POST", target.url(self.init), {"productId": name, "quantity": count}, dict(target.headers))
            for name, count in stocks.items()
        )


def sale(target: Target) -> Sale:
    """What the target's [sale] and [orders] say. Raises BadTarget for a table that is not valid."""
    table = dict(target.routes.get("sale", {}))
    product, init = table.pop("product", "chaos-sale"), table.pop("init", "/init")
    table.pop("quantity", None)  # what there is of it outside of drills
    if table or not (isinstance(product, str) and product and isinstance(init, str) and init.startswith("/")):
        raise BadTarget(
            f'target "{target.name}", [sale]: it takes product = "chaos-sale" (sold by drills alone: its stock is set '
            'and its orders are cleared) and init = "/init"'
        )
    route = dict(target.routes.get("orders", {}))
    body, method = route.pop("body", {}), route.pop("method", "POST")
    if not isinstance(body, dict):
        raise BadTarget(
            f'target "{target.name}", [orders]: body must be a table, as in body = {{ userId = "{{key}}" }}'
        )
    gate_per_s = float(target.fact("gate_per_s", 50.0))
    try:
        order = Operation(
            name=ORDER,
            url=str(route.pop("route", "/order")),
            method=str(method),
            headers={"Content-Type": "application/json", _IDEMPOTENCY: "{key}", **route.pop("headers", {})},
            body=read.body(product, body),
            timeout_s=float(route.pop("timeout_s", max(_ORDER_TIMEOUT_S, refused_within_s(target) + _SPARE_S))),
            ok_statuses=("200",),
            fail_statuses=("3xx", "4xx"),
            detail_from="json:status",
            ok_details=("success", "ignored"),
            weight=_LAST_ONES_EVERY - 1,
        )
        last = replace(order, name=LAST_ONES, body=read.body(f"{product}-last", body), weight=1)
        load = OpenLoop((order, last), constant(gate_per_s * _SHARE_OF_GATE), name="orders", retry=_AGAIN)
    except (ValueError, TypeError) as error:
        raise BadTarget(f'target "{target.name}", [orders]: {error}') from error
    if route:
        raise BadTarget(f'target "{target.name}", [orders]: no such key: {", ".join(sorted(route))}')
    return Sale(product, init, load)


def refused_within_s(target: Target) -> float:
    """How long an order that Kafka does not take may wait for its answer: the application's own limit, and a bit."""
    return float(target.fact("refused_within_s", target.fact("kafka_timeout_s", _REFUSED_WITHIN_S))) + _SPARE_S


def plain(
    target: Target,
    name: str,
    hypothesis: str,
    words: tuple[str, str] = WORDS,
    goes_on: bool = False,
    sold_out_s: float = SOLD_OUT_S,
    **more: Any,
) -> Experiment:
    """What every experiment of the suite begins and ends with. `words` say what its fault and the undo are; `goes_on`:
    it is about orders that are accepted meanwhile; `sold_out_s`: so soon the product that runs out does."""
    of = sale(target)
    prefix, few = of.load.key_prefix, of.few(sold_out_s)
    strangers = read.strangers(prefix, of.product, of.scarce)
    revived = next((one.name for one in more.get("during", ()) if one.name.endswith("_revived")), "")
    return Experiment(
        name=name,
        target="flash-sale",
        hypothesis=hypothesis,
        link=links(target, prefix, of.product, AMPLE),
        prepare=of.steps(target, few),
        baseline=ready(target, prefix, read.old_orders(prefix, of.product, of.scarce)),
        traffic=Traffic(of.load, k6=of.k6(target)),
        drained=(
            eventually(
                read.lag(target).is_(0),
                within_s=float(target.fact("catch_up_s", 30.0)),
                name="backlog_drains",
                hint="Orders that were accepted still wait in Kafka: does the worker consume, and commit?",
            ),
        ),
        checks=(at_stake(goes_on), looked_at(), *more.pop("checks", ()), *reconciled(prefix, few)),
        collect=(
            read.keys(prefix, "keys", of.product, of.scarce),
            read.keys(prefix, "last_keys", of.scarce),
            read.keys(prefix, "ample_keys", of.product),
            read.ids(prefix, "ids", of.product, of.scarce),
            strangers,
            read.redis_stock(of.product, "redis_stock"),
            read.database_stock(of.product, "database_stock"),
            read.database_total(prefix, of.product, "database_total"),
            read.redis_stock(of.scarce, "redis_last"),
            read.database_stock(of.scarce, "database_last"),
            read.database_total(prefix, of.scarce, "last_total"),
        ),
        watch=(read.lag(target), read.done(target), strangers, *more.pop("watch", ())),
        evidence_rows=evidence_rows(*words, few, by=revived),
        **more,
    )


def ready(target: Target, prefix: str, old: SqlScalar) -> tuple[Expectation, ...]:
    """What must be so before anything is broken: orders are accepted and placed, and none is left of before."""
    return (
        eventually(read.health().is_(200), within_s=BASELINE_WITHIN_S, name="up_before"),
        eventually(accepted(), within_s=BASELINE_WITHIN_S, name="orders_accepted_before"),
        eventually(read.placed(prefix).above(0), within_s=BASELINE_WITHIN_S, name="orders_placed_before"),
        # Once: what nobody has sent and comes from then on is for `no_phantom_orders`.
        eventually(
            old.is_(0),
            within_s=BASELINE_WITHIN_S,
            name="old_orders_cleared",
            momentary=True,
            hint="Orders of before are in the table: does [sale] init clear the product's? Where they waited in Kafka "
            "still, of a drill that was broken off, another try finds them gone.",
        ),
        eventually(
            keeps_up(target),
            within_s=BASELINE_WITHIN_S,
            name="worker_keeps_up_before",
            hint="The group that [kafka] names has not worked off what is in the topic: is it the worker's own?",
        ),
    )


def accepted() -> Any:
    """The last order that had an answer was accepted."""
    return LoadOutcome(beside=LAST_ONES).is_("ok")


def takes_orders_again(within_s: float) -> Expectation:
    """Orders are accepted again."""
    return eventually(
        accepted(),
        within_s=within_s,
        for_s=0.5,
        name="orders_accepted_again",
        hint="Orders still fail after the fault: does the API open new connections by itself?",
    )


def keeps_up(target: Target) -> Condition:
    """The worker is no further behind than what a second brings."""
    return read.lag(target).below(max(1, round(float(target.fact("gate_per_s", 50.0)) * _SHARE_OF_GATE)))


def catches_up(target: Target) -> Expectation:
    """It keeps up again."""
    within_s = float(target.fact("catch_up_s", 30.0))
    return eventually(
        keeps_up(target),
        within_s=within_s,
        for_s=1.0,
        name="catches_up",
        hint="The backlog does not shrink: is the partition given to the worker again (session time-out)?",
    )


def revived_within_s(target: Target) -> float:
    """How soon its supervisor starts a program again that was killed."""
    return float(target.fact("revived_within_s", _REVIVED_WITHIN_S))


def same_process(*services: str) -> tuple[Expectation, ...]:
    """It goes on as it is: one that is restarted has not come back by itself."""
    return tuple(
        always(
            read.OneLife(name).as_before(),
            name=f"{name.replace('-', '_')}_same_process",
            requires=f"process_start_time_seconds at {name}:/metrics, or a control that sees its process",
            hint=f"{name} was restarted: look for the reason in its log.",
        )
        for name in services
    )


def at_stake(meanwhile: bool) -> Check:
    """Proof that orders were accepted when the fault came, and were not turned away meanwhile: where the stock had run
    out, or the gate let nobody in, nothing could be lost, sold twice or fail over."""
    idle = {str(status): word for status, word in SYSTEM.fates.items() if status < 500}
    return Check("went_on", "sale_went_on", {"op": ORDER, "idle": idle, "meanwhile": meanwhile})


def looked_at() -> Check:
    """Proof that orders go through the topic and the group that [kafka] names: of a queue that nobody uses nothing ever
    waits, and what waits elsewhere would be called lost."""
    hint = "Orders were placed, and this group has told Kafka of none: are topic and group in [kafka] the worker's?"
    return Check("rose", "worker_takes_from_topic", {"probe": read.DONE}, premise=True, hint=hint)


def backlog_grew() -> Check:
    """Proof that orders waited while the fault was in force: that none was lost of an empty queue says nothing."""
    return Check("queue_grew", "backlog_grew", {"probe": read.LAG})


def backlog_at_kill(target: Target, after_s: float) -> Check:
    """Proof that a third at least of what comes in so many seconds waited when the worker was killed."""
    least = max(1, round(sale(target).load.stages[0].rate_per_s * after_s / 3))
    return Check("queue_waited", "backlog_at_kill", {"probe": read.LAG, "least": least})


def felt(slow_ms: float | None = None, phase: str = "fault", name: str = "sale_felt_it", premise: bool = True) -> Check:
    """Proof that orders were affected; with `slow_ms`, that one took that long at least. Of what is broken in the
    service itself, which is proved there, it is no `premise`: orders that go on as if it were there are what such a
    drill is to find. A fault on the way there may be one that the orders do not take."""
    slow = {} if slow_ms is None else {"slow_ms": slow_ms, "phase": phase}
    return Check("fault_observed", name, {"op": ORDER, **slow}, premise=premise)


def refused_in_time(limit_s: float) -> Check:
    """No order waits for longer than that while Kafka can't take it."""
    limit = {"limits_ms": {"max": limit_s * 1000}, "outcome": "", "op": ORDER, "phase": "fault"}
    return Check("latency_within", "refused_in_time", limit, hint="An order waited for Kafka: its calls need a limit.")


def served(phase: str, share: float = 1.0, name: str = "api_available") -> Check:
    """Orders are answered as they may be, at this share at least. A 200 that neither accepts one nor knows it is no
    such answer."""
    hint = "Users got errors: who answers them while a part is away?"
    return Check("outcomes", name, {"allowed": SERVED, "phase": phase, "min_share": share, "honest": True}, hint=hint)


def answered() -> Check:
    """While a part is away orders get an answer, whatever it is: silence accepts none, and serves nobody."""
    asked = {"allowed": ("2xx", "3xx", "4xx", "5xx"), "phase": "fault", "op": ORDER, "meanwhile": True}
    return Check("outcomes", "orders_answered", asked, hint="Orders got no answer at all: did who takes them go, too?")


def stays_accepted(share: float = 0.9) -> Check:
    """Once it has recovered, orders are answered as they may be. What was cut off from Kafka or Redis may still be
    connecting anew for one order or the other."""
    return served("settle", share, "orders_stay_accepted")


def uninterrupted() -> tuple[Check, ...]:
    """No order meets an error from the fault to the end: nothing that answers orders needs what is broken."""
    return served("fault"), served("recovery", name="api_available_in_recovery"), stays_accepted(1.0)


def reconciled(prefix: str, few: int) -> tuple[Check, ...]:
    """Every order against what the stores hold in the end; `prefix` is that of the load's keys, `few` what there was of
    the product that runs out."""
    return (
        Check(
            "exactly_once",
            "acknowledged_exactly_once",
            {"source": "keys", "key_prefix": prefix, "drained": read.LAG},
            hint="An accepted order is lost, or a refused one was placed: when does the worker commit its offsets?",
        ),
        Check(
            "final_is",
            "no_phantom_orders",
            {"probe": "strangers", "wanted": 0, "unless": "keys", "unless_is": "[]"},
            hint="Orders are in the table that nobody sent: who else writes to the topic?",
        ),
        Check(
            "retry_not_doubled",
            "idempotent_answers",
            {"source": "keys", "accepts": "success"},
            hint="A key that came again was taken for a new one: is it checked and set in one step?",
        ),
        Check(
            "unique_ids",
            "unique_ids",
            {"source": "ids"},
            hint="Two orders have one id, or one order two: is the id kept when an order is sent again?",
        ),
        Check(
            "no_oversell",
            "no_oversell",
            {"initial": few, "source": "last_keys", "remaining": ("redis_last", "database_last"), "op": LAST_ONES},
            hint="More was sold than there was: is the stock read and taken in one step?",
        ),
        conserved("stock_conserved", AMPLE, "ample_keys", ("redis_stock", "database_total"), ORDER),
        conserved("last_ones_conserved", few, "last_keys", ("redis_last", "last_total"), LAST_ONES),
    )


def conserved(name: str, initial: int, source: str, stores: tuple[str, str], op: str) -> Check:
    """What is left of a product in Redis and what was sold of it make what there was, and so they do in the database,
    which tells both in one look: what is sold out in Redis comes to 0 there, too."""
    hint = "A unit is gone without an order: what gives it back? `flash-sale.reconcile` tells and mends the gap."
    redis, total = stores
    asked = {
        "initial": initial,
        "source": source,
        "stocks": (redis,),
        "totals": (total,),
        "op": op,
        "drained": read.LAG,
    }
    return Check("stock_conserved", name, asked, hint=hint)
