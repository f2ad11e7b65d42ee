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
"""Of leaks, of new products and of orders each, and for how long at least."""
LEAK_MB, BEYOND = 10.0, 1.5
"""What one leak takes, and how often the limit is leaked in all."""
SPARE_S = 15.0
"""How long after the last leak it must be another process at the latest."""
_LIMIT_MB = 256
_AGAIN = Retry(times=12, after_s=1.0, max_after_s=4.0)
_TIMEOUT_S = 5.0


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """The leak is the load: it is asked for, again and again, while products are added and orders placed."""
    load = _leak(target)
    prefix = load.key_prefix
    others = ("order", *stock.instances(target))
    limit_bytes = _limit_mb(target) * 1e6
    restarts_within_s = _lasts_s(target) + SPARE_S
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
        during=_restarts(limit_bytes, restarts_within_s),
        recovery=_recovers(target, limit_bytes),
        always=tuple(expected for name in others for expected in _unharmed(name)),
        traffic=Traffic(load, "fault"),
        ends=(CATALOG,),
        checks=_checks(),
        collect=(read.products(prefix),),
        watch=(read.memory(CATALOG),),
        evidence_rows=(
            EvidenceRow("Memory of the catalog", "followed", {"probe": read.memory(CATALOG).name}),
            EvidenceRow("Memory of the catalog at its highest", "backlog",
                        {"probe": read.memory(CATALOG).name, "figure": "highest", "unit": "bytes"}),
            EvidenceRow("Products kept", "total", {"source": "products", "op": ADD}),
            EvidenceRow("Answers meanwhile", "answers", {"phase": "fault"}),
            EvidenceRow("Health of the catalog", "followed", {"probe": read.ready(CATALOG).name}),
            EvidenceRow("Recovery time", "recovery"),
        ),
        # The last of it is still seen to be too late.
        hold_max_s=max(120.0, restarts_within_s + SPARE_S),
        total_max_s=900.0 + restarts_within_s,
    )  # fmt: skip


def _limit_mb(target: Target) -> float:
    return float(target.fact("memory_limit_mb", _LIMIT_MB))


def _lasts_s(target: Target) -> float:
    """Long enough to leak more than it may have."""
    return max(LASTS_S, BEYOND * _limit_mb(target) / (PER_S * LEAK_MB))


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
    stages = constant(PER_S * len(operations), _lasts_s(target))
    return OpenLoop(operations, stages, name="leak", key_prefix=order.key_prefix, retry=_AGAIN)


def _restarts(limit_bytes: float, within_s: float) -> tuple[Expectation, ...]:
    return (
        eventually(
            read.memory(CATALOG).above(limit_bytes / 2),
            within_s=within_s,
            name="memory_grows",
            momentary=True,
            requires=f"process_resident_memory_bytes at {CATALOG}:/metrics",
            hint="Nothing leaked: does /leak keep what it makes?",
        ),
        revived(CATALOG, within_s),
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
