"""The trader is cut off from Redis, from PostgreSQL, or from both. It must step down, and no order may be doubled."""

import os
import shutil

from blackstart.base.errors import NotShown
from blackstart.faults.blackhole import Blackhole
from blackstart.faults.cut import Cut
from blackstart.faults.drop import Drop
from blackstart.model import protocols
from blackstart.model.expect import BASELINE_WITHIN_S, Expectation, eventually
from blackstart.model.experiment import Check, Experiment, Traffic
from blackstart.model.flags import Flags
from blackstart.model.target import Service, Target
from blackstart.probes.load_outcome import LoadOutcome
from blackstart.suites.trader import readings as read
from blackstart.suites.trader._common import Limits, consistent, steady, well
from blackstart.suites.trader._leadership import leadership, reports
from blackstart.suites.trader._orders import flowing_orders, keys_in_database, needed
from blackstart.suites.trader._schema import NUMBER_COLUMN
from blackstart.suites.trader.leader_lock import leads_again, lock_checks, newest_order, steps_down
from blackstart.suites.trader.link import forbidding, links
from blackstart.suites.trader.postgres_blip import IN_TIME, SPARE_S, STAY_ACCEPTED, order_checks

# From both, and nothing passes either way, silently: that is the plain one. One way, it is what is asked that gets
# lost, or the answers to what was done.
VARIANTS = ("redis", "postgres", "redis-answers-lost", "postgres-answers-lost", "requests-lost", "cut", "drop")
STORES = ("redis", "postgres")
LEAST_HOLD_S = 4.0
SLOW_MS = 500.0
_PLAIN = "partition needs the fault proxy on the way to {store}, and {target} names none. In its target file:\n" + (
    'proxy = "http://localhost:8474"\n[services.{store}]\naddress = "localhost:…"   # where the proxy listens\n'
    'proxy_name = "{store}"\nIn the lab on this machine: invoke lab.up trader --broker'
)


def experiment(target: Target, flags: Flags, variant: str = "") -> Experiment:
    """What is lost by a partition from Redis is the lock, from PostgreSQL the orders; from both, both."""
    stores = tuple(store for store in STORES if variant.startswith(store)) or STORES
    _refuse_without(target, stores, variant)
    limits = Limits.of(target, flags)
    answer_s = float(target.fact("db_timeout_s", 2.0)) + float(target.fact("broker_timeout_s", 0.0)) + SPARE_S
    load = flowing_orders(target, timeout_s=answer_s + 2.0)
    newest = newest_order(target) if "redis" in stores else ()
    accepted = LoadOutcome(beside="plan").is_("ok")
    of_orders = (*order_checks(target, answer_s, SLOW_MS / 1000), STAY_ACCEPTED)
    recovery = (*(leads_again(limits) if "redis" in stores else ()), *(_accepted_again(flags) if load else ()))
    return Experiment(
        name=f"partition-{variant}" if variant else "partition",
        target="trader",
        hypothesis=f"Cut off from {' and '.join(stores)} the trader stays up and does nothing that it can't be sure "
        "of; afterwards it trades on by itself, and every acknowledged order is there exactly once.",
        refuse_if=forbidding(),
        link=links(target),
        baseline=(
            *well(),
            *((eventually(accepted, within_s=BASELINE_WITHIN_S, name="orders_accepted_before"),) if load else ()),
        ),
        faults=tuple(_fault(store, variant) for store in stores),
        during=steps_down(limits) if "redis" in stores else (),
        recovery=recovery,
        always=(*steady(), *consistent(target, limits)),
        traffic=Traffic(load) if load else None,
        checks=(*(of_orders if load else ()), *_checks(target, limits, stores, answer_s, variant)),
        collect=(*(keys_in_database(target, load.key_prefix) if load else ()), *reports(target, ("",))),
        watch=(read.orders_placed(), *((read.kill_switch(),) if "redis" in stores else ()), *newest),
        hold_min_s=_hold_s(target, limits, stores, answer_s),
        settle_s=limits.settles_s(_hold_s(target, limits, stores, answer_s)),
        needs=needed(target, of_orders, slow=IN_TIME),
    )


def _refuse_without(target: Target, stores: tuple[str, ...], variant: str) -> None:
    """Raises NotShown that says what the target, or this machine, lacks."""
    for store in stores:
        service = target.services.get(store)
        if variant != "drop" and not (target.proxy and service and service.proxy_name):
            raise NotShown(_PLAIN.format(store=store, target=target.name))
        if variant == "drop" and not (service and service.net) and (os.geteuid() or not shutil.which("iptables")):
            raise NotShown("partition --drop drops packets, which takes Linux, root and iptables on this machine")
        if variant == "drop" and service and _is_looked_at_that_way(service):
            raise NotShown(
                f"partition --drop would cut off our own look at {store}, too: give its dsn another way there than the "
                "address that the trader uses"
            )


def _is_looked_at_that_way(service: Service) -> bool:
    return bool(service.dsn) and service.address in ("", *(place.address for place in protocols.places_of(service)))


def _fault(store: str, variant: str) -> Blackhole | Cut | Drop:
    if variant == "cut":
        return Cut(store)
    if variant == "drop":
        return Drop(store)
    if variant == "requests-lost":
        return Blackhole(store, stream="upstream")
    if variant.endswith("answers-lost"):
        return Blackhole(store, stream="downstream")
    return Blackhole(store, stream="both")


def _hold_s(target: Target, limits: Limits, stores: tuple[str, ...], answer_s: float) -> float:
    """Until what hangs for longer than it may is seen to, and the backoff is, whose attempts wait for an answer."""
    attempts_s = 4 * float(target.fact("redis_timeout_s", 0.5))
    lock_s = limits.backoff_shows_s + attempts_s if "redis" in stores else 0.0
    return max(LEAST_HOLD_S, answer_s + LEAST_HOLD_S / 2, lock_s)


def _accepted_again(flags: Flags) -> tuple[Expectation, ...]:
    accepted = LoadOutcome(beside="plan").is_("ok")
    return (
        eventually(
            accepted,
            within_s=flags.wait_ready_timeout_s,
            for_s=0.5,
            name="orders_accepted_again",
            hint="The way is clear, and orders are still not accepted: are connections of before it used on?",
        ),
    )


def _checks(
    target: Target, limits: Limits, stores: tuple[str, ...], answer_s: float, variant: str
) -> tuple[Check, ...]:
    watched = bool(newest_order(target)) and NUMBER_COLUMN in target.facts
    # What TCP kept while packets were dropped arrives when they pass again: an order that was sent before the pause.
    counters = ("orders_placed",) if variant == "drop" else ("orders_placed", "newest_order")
    under_way_s = answer_s if "postgres" in stores else 0.0
    return (
        *(lock_checks(limits, watched, under_way_s, counters) if "redis" in stores else ()),
        *(leadership(target, ("",), limits) if "redis" in stores else ()),
    )
