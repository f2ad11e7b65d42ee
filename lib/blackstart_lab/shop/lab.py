"""The shop as a lab: services that find each other, inventories, PostgreSQL, Redis, Kafka and the fault proxy."""

import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from blackstart_lab import ports, programs
from blackstart_lab.model import Layout, Program, Service
from blackstart_lab.servers import fault_proxy, kafka, memory_limit, postgres, redis
from blackstart_lab.shop import mutants
from blackstart_lab.shop.settings import PROMISED, TOPICS
from blackstart_lab.workspace import Workspace

INVENTORIES = ("inventory-1", "inventory-2")
_MAX_RATE_HZ = 50
_MOST_PORTS = 30
_DATABASE, _ROLE = "shop", "shop_app"
_PLAIN = "sslmode=disable&gssencmode=disable"  # to ask for either costs each new connection a round trip


class ShopLab:
    """Orders reserve stock at one of the inventories, which share a lock and a database."""

    name = "shop"
    summary = "orders that reserve stock of two inventories behind a breaker, a registry, and events by way of Kafka"

    def mutants(self) -> dict[str, dict[str, Any]]:
        return {name: mutants.load(name).declaration() for name in mutants.names()}

    def lay_out(self, workspace: Workspace, options: Namespace) -> Layout:
        mutant = mutants.load(options.mutant) if options.mutant else mutants.NONE
        free = iter(ports.take(_MOST_PORTS))  # all at once, so that none is taken twice
        at = ports.demand(options.port) if options.port else next(free)
        rows = fault_proxy.proxied(postgres.service(workspace, next(free), _DATABASE, _ROLE), next(free))
        locks = fault_proxy.proxied(redis.service(workspace, next(free), keeps=True), next(free))
        names = INVENTORIES[: options.inventories]
        ways = _ways(free, names, rows, locks)
        broker, upstream = _broker(workspace, free)
        platform_port = next(free)
        platform = f"http://127.0.0.1:{platform_port}"
        known = {"--platform": platform, **({"--mutant": options.mutant} if options.mutant else {})}
        stored = {**known, "--dsn": _dsn(rows.target["address"])}
        registry = _program(workspace, "platform-coordination", platform_port, known)
        catalog = _program(workspace, "product-catalog", next(free), stored)
        catalog = replace(catalog, program=replace(catalog.program, revived=mutant.revived))
        inventories = [_inventory(workspace, name, free, known, ways) for name in names]
        order = _program(workspace, "order", at, {**stored, "--kafka": str(broker.target["address"])})
        consumer = _program(workspace, "event-consumer", next(free), {**stored, "--kafka": broker.address})
        routes = {each.name: (str(each.target["address"]), each.address) for each in (rows, locks, *inventories)}
        routes |= {name: (way["address"], way["dsn"].split("/")[2].rpartition("@")[2]) for name, way in ways.items()}
        routes[broker.name] = str(broker.target["address"]), upstream
        proxy = fault_proxy.service(workspace, next(free), routes)
        limit = memory_limit.service(workspace, catalog, PROMISED.memory_limit_mb)
        own = (registry, catalog, *inventories, order, consumer, *((limit,) if mutant.limited else ()))
        return Layout((rows, locks, broker, proxy, *own), _head(options, order, proxy, ways))


LAB = ShopLab()


def _head(options: Namespace, order: Service, proxy: Service, ways: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": "shop",
        "kind": "shop",
        "lab": True,
        **({"mutant": options.mutant} if options.mutant else {}),
        "api": order.target["url"],
        "proxy": proxy.target["url"],
        "max_rate_hz": _MAX_RATE_HZ,
        "facts": PROMISED.facts(),
        "services": dict(ways),
    }


def _broker(workspace: Workspace, free: Iterator[int]) -> tuple[Service, str]:
    """Kafka, and where it listens for those that come through the fault proxy."""
    port, controller, listens, way = (next(free) for _ in range(4))
    broker = kafka.cluster(workspace, (port,), controller, TOPICS, (listens, way))[0]
    return fault_proxy.proxied(broker, way), f"127.0.0.1:{listens}"


def _dsn(address: object) -> str:
    return f"postgresql://{_ROLE}@{address}/{_DATABASE}?{_PLAIN}"


def _ways(free: Iterator[int], names: Sequence[str], rows: Service, locks: Service) -> dict[str, dict[str, str]]:
    """The stores as each inventory reaches them, so that one alone can be cut off. `dsn` leads past the proxy."""
    return {
        f"{store.name}-of-{inventory}": {
            "dsn": str(store.target["dsn"]),
            "address": f"127.0.0.1:{next(free)}",
            "proxy_name": f"{store.name}-of-{inventory}",
        }
        for inventory in names
        for store in (rows, locks)
    }


def _inventory(
    workspace: Workspace, name: str, free: Iterator[int], known: Mapping[str, str], ways: Mapping[str, Any]
) -> Service:
    port, way = next(free), next(free)
    own = {
        **known,
        "--dsn": _dsn(ways[f"postgres-of-{name}"]["address"]),
        "--redis-url": f"redis://{ways[f'redis-of-{name}']['address']}/0",
        "--address": f"http://127.0.0.1:{way}",
    }
    made = fault_proxy.proxied(_program(workspace, name, port, own), way)
    # With what is spoken on the way through the fault proxy, which its own url does not tell.
    return replace(made, target={**made.target, "dsn": f"http://{made.target['address']}"})


def _program(workspace: Workspace, name: str, port: int, flags: Mapping[str, str]) -> Service:
    """One of the shop's own programs, named like its module; the number of an instance is left out."""
    module = name.rstrip("-0123456789").replace("-", "_")
    url, events = f"http://127.0.0.1:{port}", str(workspace.folder / f"{name}.events.jsonl")
    told = {"--name": name, "--port": port, "--address": url, "--events": events, **flags}
    words = [str(word) for pair in told.items() for word in pair]
    return Service(
        name=name,
        program=Program(
            (sys.executable, "-m", f"blackstart_lab.shop.{module}", *words),
            workspace.folder,
            programs.environment(),
            final_exit_codes=(programs.PORT_TAKEN,),
        ),
        address=f"127.0.0.1:{port}",
        lacks=lambda: programs.lacks(f"{url}/health/ready", {"status": "ready"}),
        target={"url": url, "events": events},
    )
