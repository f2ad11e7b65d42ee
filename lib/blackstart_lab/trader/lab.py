"""The trader as a lab: Redis, PostgreSQL and one or more instances of the app."""

import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import blackstart_lab
from blackstart_lab import ports
from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Layout, Program, Service
from blackstart_lab.servers import postgres, redis
from blackstart_lab.trader import answers, brokerage, mutants, on_kubernetes, variants
from blackstart_lab.trader.config import PROFILES
from blackstart_lab.trader.options import OPTIONS
from blackstart_lab.workspace import Workspace

_MAX_RATE_HZ = 100
_MAX_INSTANCES = 9
_MAX_ORDERS_PER_S = 500  # orders are placed one after the other, each with a commit of its own
_PORT_TAKEN = 3  # the exit code of blackstart_lab.trader.app, not imported here because it loads the whole app


class TraderLab:
    """An options trader that leads while it holds a lock in Redis."""

    name = "trader"
    summary = "one leader trades while it holds a lock in Redis, and keeps its orders in PostgreSQL"

    def mutants(self) -> dict[str, dict[str, Any]]:
        return {name: mutants.load(name).declaration() for name in mutants.names()}

    def lay_out(self, workspace: Workspace, options: Namespace) -> Layout:
        mutant = mutants.load(options.mutant) if options.mutant else None
        variant = variants.load(options.variant) if options.variant else None
        instances = (mutant.instances if mutant else 1) if options.instances is None else options.instances
        _check(options, instances)
        names = ["api", *(f"api-{number}" for number in range(2, instances + 1))]
        if options.on:
            _check_elsewhere(options, mutant)
            return on_kubernetes.lay_out(workspace, options, names, self._head(options))
        brokered = options.broker or bool(mutant and mutant.broker)
        redis_port, postgres_port, *taken = ports.take(2 + instances + (brokerage.PORTS if brokered else 0))
        api_ports, others = taken[:instances], taken[instances:]
        if options.port:
            api_ports[0] = ports.demand(options.port)
        servers = (redis.service(workspace, redis_port), postgres.service(workspace, postgres_port, "trader"))
        profile = PROFILES[options.profile]
        around = brokerage.with_broker(workspace, servers, others, profile) if brokered else brokerage.plain(servers)
        some = [
            _instance(workspace, *pair, flags=around.flags, options=options, api_ports=api_ports)
            for pair in zip(names, api_ports, strict=True)
        ]
        head = self._head(options)
        facts = {**head["facts"], **around.facts}
        keyed = {"headers": {"X-Ops-Key": f"env:{options.ops_key_env}"}} if options.ops_key_env else {}
        at = {"api": f"http://127.0.0.1:{api_ports[0]}", "facts": facts}
        told = head | at | keyed | dict(around.head)
        return Layout((*_for_drills(options, around.services), *some), variant.told_of(told) if variant else told)

    def _head(self, options: Namespace) -> dict[str, Any]:
        """What a target says of the trader wherever it runs."""
        return {
            "name": self.name,
            "kind": "trader",
            "lab": True,
            **({"mutant": options.mutant} if options.mutant else {}),
            "profile": options.profile,
            "max_rate_hz": _MAX_RATE_HZ,
            "facts": PROFILES[options.profile].facts(options.orders_per_s),
            "orders": {"method": "POST", "route": "/orders"},
            "plans": {"method": "POST", "route": "/plans"},
        }


LAB = TraderLab()


def _for_drills(options: Namespace, services: tuple[Service, ...]) -> tuple[Service, ...]:
    """As the target shows them: the app knows no user that Redis may forget."""
    if not options.forgets_users:
        return services
    return tuple(redis.with_passing_user(each) if each.name == "redis" else each for each in services)


def _check(options: Namespace, instances: int) -> None:
    if not 1 <= instances <= _MAX_INSTANCES:
        raise NotStarted(f"--instances {instances} is out of range; choose 1 to {_MAX_INSTANCES}")
    if not 1 <= options.orders_per_s <= _MAX_ORDERS_PER_S:
        raise NotStarted(f"--orders-per-s {options.orders_per_s} is out of range; choose 1 to {_MAX_ORDERS_PER_S}")
    if options.ops_key_env and not os.environ.get(options.ops_key_env):
        raise NotStarted(f"--ops-key-env {options.ops_key_env}: that environment variable is not set")


def _check_elsewhere(options: Namespace, mutant: Any) -> None:
    """What the manifests can't be told."""
    chosen = {"variant", "older_build", "forgets_users", "broker", "port", "ops_key_env"}
    told = sorted(name for name in chosen if getattr(options, name))
    if told or options.orders_per_s != OPTIONS["orders-per-s"].default:
        name = told[0].replace("_", "-") if told else "orders-per-s"
        raise NotStarted(f"--{name} is for a lab on this machine; leave it out with --on")
    if mutant and mutant.broker:
        raise NotStarted(f"--mutant {options.mutant} needs a broker, which is for a lab on this machine")


def _instance(
    workspace: Workspace, name: str, port: int, *, flags: Mapping[str, str], options: Namespace, api_ports: list[int]
) -> Service:
    events = workspace.folder / f"{name}.events.jsonl"
    where = {"--port": port, **flags, "--events": events}
    given = {"--profile": options.profile, "--orders-per-s": options.orders_per_s}
    optional = {"--mutant": options.mutant, "--variant": options.variant, "--ops-key-env": options.ops_key_env}
    words = {**where, **given, **{flag: value for flag, value in optional.items() if value}}
    command = (sys.executable, "-m", "blackstart_lab.trader", *(str(word) for pair in words.items() for word in pair))
    older = ("--older-build",) if options.older_build else ()
    import_root = str(Path(blackstart_lab.__file__).parent.parent)
    python_path = os.pathsep.join(filter(None, (import_root, os.environ.get("PYTHONPATH"))))
    waits = name == "api" and not (options.variant and variants.load(options.variant).up_before_it_leads)
    address = f"127.0.0.1:{port}"
    others = [f"127.0.0.1:{each}" for each in api_ports]
    lacks = (lambda: answers.lacks_leader(others)) if waits else (lambda: answers.lacks_health(address))
    return Service(
        name=name,
        program=Program(
            (*command, *older),
            workspace.folder,
            {"PYTHONPATH": python_path, "PYTHONUNBUFFERED": "1"},
            final_exit_codes=(_PORT_TAKEN,),
        ),
        address=address,
        lacks=lacks,
        target={"url": f"http://{address}", "events": str(events)},
    )
