"""The labs that drills are repeated on: how each is brought up, its drills, and what its mutants' files say."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from blackstart.suites.trader import partition, resource_stress
from blackstart_lab.checkout import mutants as checkout_mutants
from blackstart_lab.flash_sale import mutants as sale_mutants
from blackstart_lab.gateway import mutants as gateway_mutants
from blackstart_lab.gateway import variants as gateway_variants
from blackstart_lab.shop import mutants as shop_mutants
from blackstart_lab.trader import mutants as trader_mutants
from blackstart_lab.trader import variants as trader_variants
from tests.lab.checkout_driver import CheckoutDriver
from tests.lab.gateway_driver import GatewayDriver
from tests.lab.lab_driver import LabDriver
from tests.lab.sale_driver import SaleDriver
from tests.lab.shop_driver import ShopDriver

Drills = tuple[tuple[str, tuple[str, ...]], ...]
"""Experiments with their options."""


@dataclass(frozen=True)
class Wanted:
    """What a mutant's file says of it. `flags` bring the lab up, `options` go to the drill."""

    name: str
    experiment: str
    options: tuple[str, ...]
    flags: tuple[str, ...]
    must_fail: frozenset[str]
    may_fail: frozenset[str]


@dataclass(frozen=True)
class InCluster:
    """What a lab in Kubernetes `needs` of this machine and takes of the cluster, and what can be shown on it there."""

    needs: tuple[str, ...]
    images: tuple[str, ...]
    volumes: int
    drills: tuple[str, ...]
    mutants: tuple[str, ...]


@dataclass(frozen=True)
class Lab:
    """One lab: `tasks` is the collection of its drills, `healthy` flags to bring it up and the drills that then hold.

    `mutant_flags` are what a mutant's declaration asks of the lab besides its name; without `chosen` all mutants are
    shown. `in_cluster` is None where the lab has no manifests.
    """

    name: str
    tasks: str
    mutants: ModuleType
    driver: Callable[[Path], Any]
    healthy: tuple[tuple[tuple[str, ...], Drills], ...]
    mutant_flags: Callable[[Any], tuple[str, ...]]
    in_cluster: InCluster | None = None
    chosen: tuple[str, ...] = ()

    def on_kubernetes(self) -> "Lab":
        """The same lab in the cluster that KUBECONFIG names, with what can be shown there."""
        assert self.in_cluster
        flags, drills = ("--on", "kubernetes"), tuple((name, ()) for name in self.in_cluster.drills)
        return replace(
            self,
            healthy=((flags, drills),),
            chosen=self.in_cluster.mutants,
            mutant_flags=lambda told: (*flags, *self.mutant_flags(told)),
        )

    def shown(self) -> tuple[str, ...]:
        """The names of its mutants."""
        return self.chosen or tuple(self.mutants.names())

    def wanted(self, mutant: str) -> Wanted:
        """The declaration of a mutant."""
        told = self.mutants.load(mutant)
        return Wanted(
            mutant,
            told.experiment,
            tuple(f"--{option}" for option in told.options),
            ("--mutant", mutant, *self.mutant_flags(told)),
            frozenset(told.must_fail),
            frozenset(told.may_fail),
        )


def _instances(told: Any) -> tuple[str, ...]:
    return ("--instances", str(told.instances))


TRADER_DRILLS = (("leader-lock", ()), ("postgres-blip", ()), ("rate-limit-spike", ()))
BROKER_DRILLS = (
    ("token-expiry", ()), ("websocket-reconnect", ()), ("websocket-reconnect", ("--silent",)), ("partition", ()),
    *(("partition", (f"--{variant}",)) for variant in partition.VARIANTS),
    ("resource-stress", ()), *(("resource-stress", (f"--{variant}",)) for variant in resource_stress.VARIANTS),
)  # fmt: skip
TRADER = Lab(
    name="trader",
    tasks="chaos",
    mutants=trader_mutants,
    driver=LabDriver,
    healthy=(
        (
            ("--instances", "1"),
            (("leader-lock", ()), ("postgres-blip", ()), ("postgres-blip", ("--freeze",)), ("rate-limit-spike", ())),
        ),
        (("--instances", "2"), (("leader-lock", ("--bounce",)), ("leader-lock", ("--freeze-leader",)))),
        (("--older-build",), TRADER_DRILLS),
        (("--broker",), (*TRADER_DRILLS, *BROKER_DRILLS)),
        *((("--variant", name), TRADER_DRILLS) for name in trader_variants.names()),
    ),
    mutant_flags=_instances,
    in_cluster=InCluster(
        needs=("kubernetes", "docker", "redis-cli"),
        images=("python", "redis", "postgres"),
        volumes=1,
        drills=("leader-lock", "postgres-blip", "rate-limit-spike"),
        mutants=("ready-lies", "keeps-trading", "never-reacquires"),
    ),
)


def _plain(*names: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((name, ()) for name in names)


GATEWAY_DRILLS = ("redis-unavailable", "redis-latency", "redis-flapping", "thundering-herd", "redis-bandwidth")
GATEWAY = Lab(
    name="gateway",
    tasks="gateway",
    mutants=gateway_mutants,
    driver=GatewayDriver,
    healthy=(
        ((), _plain("baseline", *GATEWAY_DRILLS)),
        # The other scenarios rightly break one that lets nobody pass while Redis is away.
        (("--on-open", "fail-fast"), _plain("baseline", "redis-latency", "thundering-herd", "redis-bandwidth")),
        # Debian's Prometheus can't scrape all of these pages.
        *(
            (("--without-prometheus", "--variant", name), _plain("baseline", *GATEWAY_DRILLS))
            for name in gateway_variants.names()
        ),
    ),
    mutant_flags=lambda told: (),
)
SALE_DRILLS = (
    "worker-crash", "redis-latency", "kafka-down", "database-down", "api-kill", "redis-partition", "redis-down"
)  # fmt: skip
SALE = Lab(
    name="flash-sale",
    tasks="flash-sale",
    mutants=sale_mutants,
    driver=SaleDriver,
    healthy=(
        ((), (*((name, ()) for name in SALE_DRILLS), ("worker-crash", ("--by-supervisor",)))),
        (("--brokers", "2"), (("kafka-partition-loss", ()), ("kafka-down", ()))),
    ),
    mutant_flags=lambda told: (),
    in_cluster=InCluster(
        needs=("kubernetes", "docker", "redis-cli", "kafka"),
        images=("python", "redis", "postgres", "kafka", "caddy"),
        volumes=3,
        drills=("api-kill", "worker-crash", "kafka-down", "database-down", "redis-partition", "redis-latency"),
        mutants=("sticky-load-balancer", "oversell-race"),
    ),
)
CHECKOUT_SCENARIOS = (
    "concurrent-duplicate-requests", "idempotency-conflict", "rate-limit-storm", "latency-spike",
    "retry-after-network-failure", "database-failure-with-recovery", "partial-failure"
)  # fmt: skip
CHECKOUT = Lab(
    name="checkout",
    tasks="checkout",
    mutants=checkout_mutants,
    driver=CheckoutDriver,
    healthy=(((), tuple((name, ()) for name in CHECKOUT_SCENARIOS)),),
    mutant_flags=lambda told: (),
)
SHOP_DRILLS = (
    "discovery-failure", "broker-partition", "connection-exhaustion", "cascading-failure", "event-storm", "split-brain",
    "memory-leak"
)  # fmt: skip
SHOP = Lab(
    name="shop",
    tasks="shop",
    mutants=shop_mutants,
    driver=ShopDriver,
    healthy=(((), tuple((name, ()) for name in SHOP_DRILLS)),),
    mutant_flags=lambda told: (),
)
LABS = {lab.name: lab for lab in (TRADER, GATEWAY, SALE, CHECKOUT, SHOP)}
