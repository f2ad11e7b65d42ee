"""The fault proxy that Blackstart brings, run as a program: this package never imports the tool."""

import json
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from blackstart_lab import programs
from blackstart_lab.model import Program, Service
from blackstart_lab.workspace import Workspace

_REFUSED = 40  # the exit code of a start that can't succeed, such as a port in use


def service(workspace: Workspace, port: int, routes: Mapping[str, tuple[str, str]]) -> Service:
    """A proxy whose API is on `port`. `routes` is proxy name to (listen, upstream), both host:port.

    The routes are in its configuration, so that one that was killed comes back with them, and without any toxic.
    """
    file = workspace.folder / "proxy.json"
    file.write_text(json.dumps(settings(routes)), encoding="utf-8")
    command = (sys.executable, "-m", "blackstart.proxy", "--port", str(port), "--config", str(file))
    return Service(
        name="proxy",
        program=Program(command, workspace.folder, programs.environment(), final_exit_codes=(_REFUSED,)),
        address=f"127.0.0.1:{port}",
        lacks=lambda: _lacks(port, set(routes)),
        target={"url": f"http://127.0.0.1:{port}"},
    )


def settings(routes: Mapping[str, tuple[str, str]]) -> list[dict[str, Any]]:
    """What its configuration says, of proxy name to (listen, upstream), both host:port."""
    return [{"name": name, "listen": at, "upstream": to, "enabled": True} for name, (at, to) in routes.items()]


def proxied(server: Service, way: int) -> Service:
    """`address` is where others reach it, through the fault proxy at port `way`; dsn and url lead there directly."""
    return replace(server, target={**server.target, "proxy_name": server.name, "address": f"127.0.0.1:{way}"})


def _lacks(port: int, names: set[str]) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/proxies", timeout=2) as answer:
            missing = names - set(json.load(answer))
    except (OSError, ValueError) as error:
        return f"no answer from the proxy's API ({error})"
    return f"no proxy {', '.join(sorted(missing))}" if missing else None
