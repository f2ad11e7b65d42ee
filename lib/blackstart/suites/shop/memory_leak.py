"""The catalog leaks memory until it is over its limit. It is started anew before others suffer; no product is lost."""

import json

from blackstart.faults.crash import revived
from blackstart.loads import OpenLoop, Operation, Retry, constant
from blackstart.model.expect import BASELINE_WITHIN_S, Expectation, eventually
from blackstart.model.experiment import Check, EvidenceRow, Experiment, Traffic
from blackstart.model.flags import Flags
from blackstart.model.target import Target
from blackstart.suites.shop import _orders as common
from blackstart.suites.shop import _stock as stock
from blackstart.suites.shop import readings as read
from blackstart.suites.shop.link import links

CATALOG = "product-catalog"
LEAK, ADD = "leak", "add_product"
PER_S, LASTS_S = 5.0, 15.0
"""Of leaks, of new products and of orders each; a leak is ten million bytes."""
RESTARTS_WITHIN_S = 30.0
"""How soon it must be another process."""
_LIMIT_MB = 256
_AGAIN = Retry(times=12, after_s=1.0, max_after_s=4.0)
_TIMEOUT_S = 5.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """The leak is the load: it is asked for, again and again, while products are added and orders placed."""
    load = _leak(target)
    prefix = load.key_prefix
    others = ("order", *stock.instances(target))
    limit_bytes = float(target.fact("memory_limit_mb", _LIMIT_MB)) * 1e6
    return Experiment(
        name="memory-leak",
        target="shop",
        hypothesis="A catalog that leaks is started anew at its limit; the others stay healthy, no product is lost.",
        link=links(target),
        prepare=common.steps(target),
        baseline=tuple(
            eventually(read.ready(name).is_(200), within_s=BASELINE_WITHIN_S, name=f"{_word(name)}_ready_before")
            for name in (CATALOG, *others)
        ),
        during=_restarts(limit_bytes),
        recovery=_recovers(target, limit_bytes),
        always=tuple(expected for name in others for expected in _unharmed(name)),
        traffic=Traffic(load, "fault"),
        checks=_checks(),
        collect=(read.products(prefix),),
        watch=(read.memory(CATALOG),),
        evidence_rows=(
            EvidenceRow("Memory of the catalog", "followed", {"probe": read.memory(CATALOG).name}),
            EvidenceRow("Memory of the catalog at its highest", "backlog",
                        {"probe": read.memory(CATALOG).name, "figure": "highest", "unit": "bytes"}),
            EvidenceRow("Products kept", "total", {"source": "products"}),
            EvidenceRow("Answers meanwhile", "answers", {"phase": "fault"}),
            EvidenceRow("Recovery time", "recovery"),
        ),
    )  # fmt: skip


def _leak(target: Target) -> OpenLoop:
    order = common.orders(target)
    add = Operation(
        name=ADD,
        url=target.url(f"{CATALOG}:/api/v1/products"),
        method="POST",
        headers={"Content-Type": "application/json"},
        body=json.dumps({"id": "{key}", "name": "added by a drill"}),
        timeout_s=_TIMEOUT_S,
    )
    leak = Operation(name=LEAK, url=target.url(f"{CATALOG}:/leak"), timeout_s=_TIMEOUT_S, detail_from="json:size")
    operations = (leak, add, *order.operations)
    return OpenLoop(
        operations, constant(PER_S * len(operations), LASTS_S), name="leak", key_prefix=order.key_prefix, retry=_AGAIN
    )


def _restarts(limit_bytes: float) -> tuple[Expectation, ...]:
    return (
        eventually(
            read.memory(CATALOG).above(limit_bytes / 2),
            within_s=RESTARTS_WITHIN_S,
            name="memory_grows",
            momentary=True,
            requires=f"process_resident_memory_bytes at {CATALOG}:/metrics",
            hint="Nothing leaked: does /leak keep what it makes?",
        ),
        revived(CATALOG, RESTARTS_WITHIN_S),
    )


def _recovers(target: Target, limit_bytes: float) -> tuple[Expectation, ...]:
    within_s = common.catch_up_s(target)
    return (
        eventually(
            read.ready(CATALOG).is_(200),
            within_s=within_s,
            for_s=1.0,
            name="product_catalog_healthy_again",
            hint="The leak is over and the catalog is not ready: has anybody started it again?",
        ),
        eventually(read.memory(CATALOG).below(limit_bytes), within_s=within_s, name="memory_below_limit"),
    )


def _unharmed(name: str) -> tuple[Expectation, ...]:
    return (stock.stays_healthy(name), common.same_process(name))


def _checks() -> tuple[Check, ...]:
    usual = {"op": common.ORDER, "phase": "fault", "min_share": 0.98, "usual": common.CONFIRMED}
    return (
        Check(
            "exactly_once",
            "products_kept",
            {"source": "products", "op": ADD},
            hint="A product was acknowledged and is not there: was it written before the answer?",
        ),
        Check(
            "acknowledged",
            "orders_confirmed_meanwhile",
            usual,
            hint="Orders suffered for the catalog: who asks it in their way, and what if it does not answer?",
        ),
    )


def _word(name: str) -> str:
    return name.replace("-", "_")
