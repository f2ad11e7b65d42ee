"""The gateway as a lab: Redis behind the fault proxy, an upstream, the gateway, and Prometheus where there is one."""

import json
import os
import sys
import urllib.error
import urllib.request
from argparse import Namespace
from pathlib import Path
from typing import Any

import blackstart_lab
from blackstart_lab import ports
from blackstart_lab.gateway import mutants, variants
from blackstart_lab.gateway.config import API_KEY, AS_CODED, PROFILES
from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Layout, Program, Service
from blackstart_lab.servers import fault_proxy, prometheus, redis
from blackstart_lab.workspace import Workspace

_MAX_RATE_HZ = 50
_PORT_TAKEN = 3  # the exit code of blackstart_lab.gateway.app, not imported here because it loads the whole app
_PROXY_NAME = "redis"


class GatewayLab:
    """An API gateway whose rate limit is counted in a Redis that it reaches only through the fault proxy."""

    name = "gateway"
    summary = "rate-limited routes, counted in Redis behind a circuit breaker, reached through a fault proxy"

    def mutants(self) -> dict[str, dict[str, Any]]:
        return {name: mutants.load(name).declaration() for name in mutants.names()}

    def lay_out(self, workspace: Workspace, options: Namespace) -> Layout:
        if options.mutant:
            mutants.load(options.mutant)
            if options.as_coded:
                raise NotStarted("--mutant and --as-coded are two different gateways; choose one")
        variant = variants.load(options.variant) if options.variant else None
        redis_port, proxied_port, proxy_port, upstream_port, port, prometheus_port = ports.take(6)
        if options.port:
            port = ports.demand(options.port)
        counters = redis.service(workspace, redis_port)
        # Where the gateway reaches it; the dsn leads there directly.
        counters.target.update(proxy_name=_PROXY_NAME, address=f"127.0.0.1:{proxied_port}")  # type: ignore[attr-defined]
        routes = {_PROXY_NAME: (f"127.0.0.1:{proxied_port}", counters.address)}
        proxy = fault_proxy.service(workspace, proxy_port, routes)
        upstream = _upstream(workspace, upstream_port)
        where = {"--redis-url": f"redis://127.0.0.1:{proxied_port}/0", "--upstream-url": upstream.target["url"]}
        gateway = _gateway(workspace, port, where, options)
        services = [counters, proxy, upstream, gateway]
        with_prometheus = not options.without_prometheus and prometheus.find() is not None
        if with_prometheus:
            scraped = {"gateway": (gateway.address, "/actuator/prometheus")}
            services.append(prometheus.service(workspace, prometheus_port, scraped))
        head = _head(options, services)
        return Layout(tuple(services), variant.told_of(head) if variant else head)


LAB = GatewayLab()


def _head(options: Namespace, services: list[Service]) -> dict[str, Any]:
    profile = AS_CODED if options.as_coded else PROFILES[options.profile]
    url = {service.name: str(service.target.get("url", "")) for service in services}
    return {
        "name": "gateway",
        "kind": "gateway",
        "lab": True,
        **({"mutant": options.mutant} if options.mutant else {}),
        "profile": profile.name,
        "api": url["gateway"],
        "proxy": url["proxy"],
        **({"prometheus": url["prometheus"]} if "prometheus" in url else {}),
        "max_rate_hz": _MAX_RATE_HZ,
        "headers": {"X-API-Key": API_KEY},
        "facts": profile.facts(options.on_open),
        # Many paths: the limiter counts for each key and path, and a load should not be limited by chance.
        "requests": {
            "method": "GET",
            # The limiter counts for each key and path: with many paths a load is not limited by chance.
            "route": "/api/v1/users/{int:1-9999}",
            "detail_from": "json:limiter",  # the upstream repeats what the limiter said: proof that it was reached
            "ok_details": ["counted", "bypassed"],
        },
    }


def _environment() -> dict[str, str]:
    import_root = str(Path(blackstart_lab.__file__).parent.parent)
    python_path = os.pathsep.join(filter(None, (import_root, os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": python_path, "PYTHONUNBUFFERED": "1"}


def _upstream(workspace: Workspace, port: int) -> Service:
    command = (sys.executable, "-m", "blackstart_lab.gateway.upstream", "--port", str(port))
    return Service(
        name="upstream",
        program=Program(command, workspace.folder, _environment(), final_exit_codes=(_PORT_TAKEN,)),
        address=f"127.0.0.1:{port}",
        lacks=lambda: _lacks_up(f"http://127.0.0.1:{port}/health"),
        target={"url": f"http://127.0.0.1:{port}"},
    )


def _gateway(workspace: Workspace, port: int, where: dict[str, str], options: Namespace) -> Service:
    events = workspace.folder / "gateway.events.jsonl"
    given = {**where, "--port": port, "--events": events, "--profile": options.profile, "--on-open": options.on_open}
    chosen = {"--mutant": options.mutant, "--variant": options.variant}
    flags = {**given, **{flag: name for flag, name in chosen.items() if name}}
    words = [str(word) for pair in flags.items() for word in pair] + (["--as-coded"] if options.as_coded else [])
    command = (sys.executable, "-m", "blackstart_lab.gateway", *words)
    return Service(
        name="gateway",
        program=Program(command, workspace.folder, _environment(), final_exit_codes=(_PORT_TAKEN,)),
        address=f"127.0.0.1:{port}",
        lacks=lambda: _lacks_up(f"http://127.0.0.1:{port}/actuator/health"),
        target={"url": f"http://127.0.0.1:{port}", "events": str(events)},
    )


def _lacks_up(url: str) -> str | None:
    """UP, and with Redis where the answer speaks of it: a lab that begins without its limiter is not up."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            body = json.load(answer)
    except urllib.error.HTTPError as error:
        return f"{url} answered {error.code}: {error.read(300).decode(errors='replace')}"
    except (OSError, ValueError) as error:
        return f"no answer from {url} ({error})"
    redis_is = body.get("components", {}).get("redis", {}).get("status", "UP")
    return None if (body.get("status"), redis_is) == ("UP", "UP") else f"{url} answered {body}"
