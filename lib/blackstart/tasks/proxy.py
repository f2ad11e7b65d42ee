"""`proxy.*`: the embedded fault proxy, which speaks Toxiproxy's HTTP API."""

from typing import Any

from invoke import Collection, task

from blackstart import commands
from blackstart.tasks._options import finish, refuse_empty


@task(
    help={
        "host": "address of the API (127.0.0.1)",
        "allow_host": "a name beside those of loopback that the API may be called by; may be repeated",
        "port": "port of the API (8474); 0 takes a free one",
        "config": "JSON file with the proxies to begin with",
        "seed": "makes toxicity and jitter repeat",
        "detach": "leave it running in the background",
    },
    iterable=["allow_host"],
    auto_shortflags=False,
)
def up(
    c: Any,
    host: str = "127.0.0.1",
    port: str = "8474",
    config: str | None = None,
    *,
    allow_host: list[str] | None = None,
    seed: str | None = None,
    detach: bool = False,
) -> None:
    """Start the embedded fault proxy, in the foreground unless --detach."""
    names = allow_host or []
    refuse_empty(host=host, port=port, config=config, seed=seed, **{"allow-host": "" if "" in names else None})
    finish(commands.proxy_server.up(host, port, config or "", seed or "", detach, names))


@task(help={"port": "only the one with this port"}, auto_shortflags=False)
def down(c: Any, port: str = "0") -> None:
    """End the detached proxies."""
    refuse_empty(port=port)
    finish(commands.proxy_server.down(port))


@task(help={"url": "API of any Toxiproxy, ours or the real one"}, auto_shortflags=False)
def status(c: Any, url: str | None = None) -> None:
    """What the fault proxies have: their proxies, toxics and leases."""
    refuse_empty(url=url)
    finish(commands.proxy_server.status(url or ""))


namespace = Collection("proxy", up, down, status)
