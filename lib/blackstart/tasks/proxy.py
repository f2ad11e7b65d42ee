"""`proxy.*`: the embedded fault proxy, which speaks Toxiproxy's HTTP API."""

from __future__ import annotations

from typing import Any

from invoke import Collection, task

from blackstart.tasks._options import finish

# The import of every library happens inside the tasks: `invoke --list` reads only this.


@task(
    help={
        "host": "address of the API (127.0.0.1)",
        "port": "port of the API (8474); 0 takes a free one",
        "config": "JSON file with the proxies to begin with",
        "seed": "makes toxicity and jitter repeat",
        "detach": "leave it running in the background",
    },
    auto_shortflags=False,
)
def up(
    c: Any, host: str = "127.0.0.1", port: int = 8474, config: str = "", *, seed: str = "", detach: bool = False
) -> None:
    """Start the embedded fault proxy, in the foreground unless --detach."""
    from blackstart.proxy import daemon  # noqa: PLC0415

    finish(daemon.up(host, port, config, seed, detach))


@task(help={"port": "only the one with this port"}, auto_shortflags=False)
def down(c: Any, port: int = 0) -> None:
    """End the detached proxies."""
    from blackstart.proxy import daemon  # noqa: PLC0415

    finish(daemon.down(port))


@task(help={"url": "API of any Toxiproxy, ours or the real one"}, auto_shortflags=False)
def status(c: Any, url: str = "") -> None:
    """What the fault proxies have: their proxies, toxics and leases."""
    from blackstart.proxy import daemon  # noqa: PLC0415

    finish(daemon.status(url))


namespace = Collection("proxy", up, down, status)
