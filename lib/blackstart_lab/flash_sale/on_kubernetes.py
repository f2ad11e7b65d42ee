"""The flash sale in a Kubernetes: what `lab.up flash-sale --on kubernetes` tells its manifests, and when it is up."""

import json
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from blackstart_lab import kubernetes, programs
from blackstart_lab.flash_sale.promise import HEALTHY, TOPIC
from blackstart_lab.kubernetes import Part
from blackstart_lab.model import Layout
from blackstart_lab.servers import fault_proxy, kafka, load_balancer
from blackstart_lab.workspace import Workspace

# The kubelet starts a container at once that has ended, and one that ends again within ten minutes after 10, then 20 s.
_REVIVED_WITHIN_S = 30.0


def lay_out(workspace: Workspace, options: Namespace, sticky: bool, head: Mapping[str, Any]) -> Layout:
    """With a `sticky` load balancer or one that asks another API. Raises NotStarted."""
    place = kubernetes.place(workspace)
    apis = [f"api-{number}" for number in range(1, options.instances + 1)]
    servers = ("redis", "postgres", "proxy", "kafka", "balancer")
    where = place.addresses(*servers, "waiting-room", "worker", *apis, "redis-way", "postgres-way", "controller")
    told = {
        "REDIS": where["redis-way"],
        "POSTGRES": where["postgres-way"],
        "KAFKA": where["kafka"],
        "CONTROLLER_PORT": where["controller"].rpartition(":")[2],
        "WAITING_ROOM": where["waiting-room"],
        "GATE_PER_S": str(options.gate_per_s),
        "MUTANT": options.mutant or "",
    }
    routes = {name: (where[f"{name}-way"], where[name]) for name in ("redis", "postgres")}
    balanced = load_balancer.caddy_settings(where["balancer"], [where[name] for name in apis], sticky)
    files = {
        "proxy": {"proxy.json": json.dumps(fault_proxy.settings(routes))},
        "balancer": {"caddy.json": json.dumps(balanced)},
    }
    parts = {
        "redis": _behind_proxy("redis", where, f"redis://{where['redis']}/0"),
        "postgres": _behind_proxy("postgres", where, f"postgresql://sale@{where['postgres']}/sale"),
        "proxy": Part(where["proxy"], {"url": f"http://{where['proxy']}"}),
        "kafka": Part(
            where["kafka"], {"dsn": f"kafka://{where['kafka']}"}, lambda: kafka.lacks(where["kafka"], {TOPIC: 1})
        ),
        **{name: _program(name, where[name]) for name in ("waiting-room", "worker", *apis, "balancer")},
    }
    at = {name: parts[service].target["url"] for name, service in (("api", "balancer"), ("proxy", "proxy"))}
    facts = {**head["facts"], "revived_within_s": _REVIVED_WITHIN_S}
    return place.lay_out({**head, **at, "facts": facts}, parts, told, options.within_s, files)


def _behind_proxy(name: str, where: Mapping[str, str], dsn: str) -> Part:
    return Part(where[name], {"dsn": dsn, "proxy_name": name, "address": where[f"{name}-way"]})


def _program(name: str, address: str) -> Part:
    url = f"http://{address}"
    healthy = {"status": "ok", **HEALTHY.get(name.partition("-")[0], {})}
    return Part(address, {"url": url}, lambda: programs.lacks(f"{url}/health", healthy))
