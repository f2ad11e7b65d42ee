"""The trader as a lab: Redis, PostgreSQL and one or more instances of the app."""

import json
import os
import sys
import urllib.error
import urllib.request
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import blackstart_lab
from blackstart_lab import ports
from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Layout, Program, Service
from blackstart_lab.servers import postgres, redis
from blackstart_lab.trader import brokerage, mutants, variants
from blackstart_lab.trader.config import PROFILES
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
        brokered = options.broker or bool(mutant and mutant.broker)
        redis_port, postgres_port, *taken = ports.take(2 + instances + (brokerage.PORTS if brokered else 0))
        api_ports, others = taken[:instances], taken[instances:]
        if options.port:
            api_ports[0] = ports.demand(options.port)
        servers = (redis.service(workspace, redis_port), postgres.service(workspace, postgres_port, "trader"))
        profile = PROFILES[options.profile]
        around = brokerage.with_broker(workspace, servers, others, profile) if brokered else brokerage.plain(servers)
        names = ["api", *(f"api-{number}" for number in range(2, instances + 1))]
        some = [
            _instance(workspace, *pair, flags=around.flags, options=options, api_ports=api_ports)
            for pair in zip(names, api_ports, strict=True)
        ]
        head = {
            "name": self.name,
            "kind": "trader",
            "lab": True,
            **({"mutant": options.mutant} if options.mutant else {}),
            "profile": options.profile,
            "api": f"http://127.0.0.1:{api_ports[0]}",
            "max_rate_hz": variant.max_rate_hz if variant else _MAX_RATE_HZ,
            **({"headers": {"X-Ops-Key": f"env:{options.ops_key_env}"}} if options.ops_key_env else {}),
            "facts": {**profile.facts(options.orders_per_s), **around.facts, **(variant.facts if variant else {})},
            "orders": {"method": "POST", "route": "/orders"},
            "plans": {"method": "POST", "route": "/plans"},
            **around.head,
        }
        return Layout((*_for_drills(options, around.services), *some), head)


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
    lacks = (lambda: _lacks_leader(api_ports)) if waits else (lambda: _lacks_health(port))
    return Service(
        name=name,
        program=Program(
            (*command, *older),
            workspace.folder,
            {"PYTHONPATH": python_path, "PYTHONUNBUFFERED": "1"},
            final_exit_codes=(_PORT_TAKEN,),
        ),
        address=f"127.0.0.1:{port}",
        lacks=lacks,
        target={"url": f"http://127.0.0.1:{port}", "events": str(events)},
    )


def _lacks_leader(api_ports: list[int]) -> str | None:
    """The first instance must answer, and one of them be ready; which of them leads is up to them."""
    if lack := _lacks_health(api_ports[0]):
        return lack
    lacks = [_lacks_status(port, "/ready") for port in api_ports]
    return None if None in lacks else lacks[0]


def _lacks_health(port: int) -> str | None:
    return _lacks_status(port, "/health")


def _lacks_status(port: int, route: str) -> str | None:
    url = f"http://127.0.0.1:{port}{route}"
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            json.load(answer)
    except urllib.error.HTTPError as error:
        return f"{url} answered {error.code}: {error.read(300).decode(errors='replace')}"
    except (OSError, ValueError) as error:
        return f"no answer from {url} ({error})"
    return None
