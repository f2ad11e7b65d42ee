"""The fault proxy that Blackstart brings, run as a program: this package never imports the tool."""

import json
import os
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import blackstart_lab
from blackstart_lab.model import Program, Service
from blackstart_lab.workspace import Workspace

_REFUSED = 40  # the exit code of a start that can't succeed, such as a port in use


def service(workspace: Workspace, port: int, routes: Mapping[str, tuple[str, str]]) -> Service:
    """A proxy whose API is on `port`. `routes` is proxy name to (listen, upstream), both host:port.

    The routes are in its configuration, so that one that was killed comes back with them, and without any toxic.
    """
    settings = workspace.folder / "proxy.json"
    proxies = [{"name": name, "listen": pair[0], "upstream": pair[1], "enabled": True} for name, pair in routes.items()]
    settings.write_text(json.dumps(proxies), encoding="utf-8")
    import_root = str(Path(blackstart_lab.__file__).parent.parent)
    python_path = os.pathsep.join(filter(None, (import_root, os.environ.get("PYTHONPATH"))))
    command = (sys.executable, "-m", "blackstart.proxy", "--port", str(port), "--config", str(settings))
    environment = {"PYTHONPATH": python_path, "PYTHONUNBUFFERED": "1"}
    return Service(
        name="proxy",
        program=Program(command, workspace.folder, environment, final_exit_codes=(_REFUSED,)),
        address=f"127.0.0.1:{port}",
        lacks=lambda: _lacks(port, set(routes)),
        target={"url": f"http://127.0.0.1:{port}"},
    )


def _lacks(port: int, names: set[str]) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/proxies", timeout=2) as answer:
            missing = names - set(json.load(answer))
    except (OSError, ValueError) as error:
        return f"no answer from the proxy's API ({error})"
    return f"no proxy {', '.join(sorted(missing))}" if missing else None
