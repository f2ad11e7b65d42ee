"""The lab's broker, and the fault proxy on the ways to the stores and to its stream, for a lab that has them."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from blackstart_lab import programs
from blackstart_lab.model import Program, Service
from blackstart_lab.servers import fault_proxy
from blackstart_lab.trader.config import Profile
from blackstart_lab.workspace import Workspace

PORTS = 5
"""How many it takes besides those of the servers and the app."""
# How much drills may take from the app, and so from the machine of whoever has the lab.
_CPU_LOAD, _MEMORY_MB = 0.8, 256


@dataclass(frozen=True)
class Around:
    """What the app has around it: `services` to run, `flags` by which it reaches them, and what its target says."""

    services: tuple[Service, ...]
    flags: Mapping[str, str]
    head: Mapping[str, Any]
    facts: Mapping[str, Any]


def plain(servers: Sequence[Service]) -> Around:
    """Redis and PostgreSQL, each reached directly."""
    return Around(tuple(servers), _flags(servers, *(str(server.target["dsn"]) for server in servers)), {}, {})


def with_broker(workspace: Workspace, servers: Sequence[Service], ports: Sequence[int], profile: Profile) -> Around:
    """Both of them through the fault proxy, and a broker whose stream is, too."""
    broker_port, proxy_port, stream_way, *ways = ports
    broker = _broker(workspace, broker_port)
    proxied = [fault_proxy.proxied(server, way) for server, way in zip(servers, ways, strict=True)]
    routes = {each.name: (str(each.target["address"]), each.address) for each in proxied}
    stream = f"127.0.0.1:{stream_way}"
    proxy = fault_proxy.service(workspace, proxy_port, routes | {"marketdata": (stream, broker.address)})
    # An encrypted login, which the app would ask for first, costs each new connection a round trip on a way that fails.
    quick = "?sslmode=disable&gssencmode=disable"
    dsns = [_through(str(each.target["dsn"]), str(each.target["address"])) for each in proxied]
    url = f"http://{broker.address}"
    return Around(
        (*proxied, proxy, broker),
        {**_flags(servers, dsns[0], dsns[1] + quick), "--broker-url": url, "--stream-url": f"ws://{stream}/stream"},
        {
            "proxy": proxy.target["url"],
            "broker": {
                "refuse_tokens": "broker:/sandbox/refuse-tokens",
                "accept_tokens": "broker:/sandbox/accept-tokens",
                "status": "broker:/status",
                "orders": "broker:/sandbox/orders?limit=100000",
            },
            "services": {"marketdata": {"address": stream, "dsn": f"http://{stream}", "proxy_name": "marketdata"}},
        },
        {
            "ticks_table": "ticks",
            "ticks_number_column": "seq",
            "token_backoff_s": list(profile.backoff_s),
            "stream_backoff_s": list(profile.backoff_s),
            "broker_timeout_s": profile.broker_timeout_s,
            "stream_silent_s": profile.stream_silent_s,
            "stress_cpu_load": _CPU_LOAD,
            "stress_memory_mb": _MEMORY_MB,
        },
    )


def _flags(servers: Sequence[Service], redis: str, postgres: str) -> dict[str, str]:
    assert [server.name for server in servers] == ["redis", "postgres"]
    return {"--redis-url": redis, "--dsn": postgres}


def _through(dsn: str, address: str) -> str:
    parts = urlsplit(dsn)
    login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    return parts._replace(netloc=f"{login}{address}").geturl()


def _broker(workspace: Workspace, port: int) -> Service:
    url = f"http://127.0.0.1:{port}"
    return Service(
        name="broker",
        program=Program(
            (sys.executable, "-m", "blackstart_lab.trader.broker", "--port", str(port)),
            workspace.folder,
            programs.environment(),
            final_exit_codes=(programs.PORT_TAKEN,),
        ),
        address=f"127.0.0.1:{port}",
        lacks=lambda: programs.lacks(f"{url}/status", {}),
        target={"url": url},
    )
