"""supervisord: keeps a lab's processes, and is the control through which they are stopped and started."""

import contextlib
import http.client
import os
import shlex
import socket
import subprocess
import sys
import xmlrpc.client
from pathlib import Path
from typing import Any

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Service
from blackstart_lab.workspace import Workspace

_ANSWER_LIMIT_S = 5.0
_START_LIMIT_S = 20


def config(workspace: Workspace, services: tuple[Service, ...]) -> str:
    """The text of supervisord.conf."""
    sections: dict[str, dict[str, Any]] = {
        "supervisord": {
            "logfile": workspace.log("supervisord"),
            "pidfile": workspace.supervisor_pid_file,
            "childlogdir": workspace.folder,
            "directory": workspace.folder,
            "nodaemon": "false",
            "umask": "022",
            **({"user": "root"} if os.getuid() == 0 else {}),  # says that running as root is meant, as supervisord asks
        },
        "unix_http_server": {"file": workspace.supervisor_socket, "chmod": "0700"},
        "supervisorctl": {"serverurl": f"unix://{workspace.supervisor_socket}"},
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
    }
    sections |= {f"program:{service.name}": _program(workspace, service) for service in services}
    return "\n".join(_section(name, settings) for name, settings in sections.items())


def _program(workspace: Workspace, service: Service) -> dict[str, Any]:
    program = service.program
    environment = {**program.environment, **workspace.marker()}
    return {
        "command": shlex.join(program.command),
        "directory": program.directory,
        "environment": ",".join(f'{key}="{value}"' for key, value in environment.items()),
        **({"user": program.user} if program.user else {}),
        "autostart": "true",
        # Like `restart: unless-stopped` of a container: a crash is revived, and so is hidden.
        "autorestart": ("unexpected" if program.final_exit_codes else "true") if program.revived else "false",
        "exitcodes": ",".join(str(code) for code in program.final_exit_codes or (0,)),
        "startsecs": program.start_s,
        "startretries": 10,
        "stopsignal": program.stop_signal,
        "stopwaitsecs": program.stop_wait_s,
        "stopasgroup": "true",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": workspace.log(service.name),
        "stdout_logfile_maxbytes": "20MB",
        "stdout_logfile_backups": 1,
    }


def _section(name: str, settings: dict[str, Any]) -> str:
    lines = [f"[{name}]"]
    for key, value in settings.items():
        lines.append(f"{key} = {str(value).replace('%', '%%')}")  # supervisord expands %(names)s
    return "\n".join([*lines, ""])


def start(workspace: Workspace, services: tuple[Service, ...]) -> None:
    """Write the configuration and start supervisord, detached from this terminal."""
    workspace.supervisor_config.write_text(config(workspace, services))
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(workspace.supervisor_config)]
    try:
        result = subprocess.run(
            command,
            cwd="/",
            env={**os.environ, **workspace.marker()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            timeout=_START_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotStarted(f"supervisord could not be started: {error}") from error
    if result.returncode:
        raise NotStarted(f"supervisord ended with exit code {result.returncode}: {result.stdout.strip()}")


def states(workspace: Workspace) -> dict[str, str] | None:
    """Service to state (RUNNING, STOPPED, …) as supervisord tells it; None where none answers."""
    try:
        infos: Any = _rpc(workspace).supervisor.getAllProcessInfo()
    except (OSError, http.client.HTTPException, xmlrpc.client.Error):
        return None
    return {info["name"]: info["statename"] for info in infos}


def process_id(workspace: Workspace, name: str) -> int:
    """Of the process that runs a service now; 0 where none runs, or supervisord does not answer."""
    try:
        info: Any = _rpc(workspace).supervisor.getProcessInfo(name)
    except (OSError, http.client.HTTPException, xmlrpc.client.Error):
        return 0
    return int(info["pid"])


def shut_down(workspace: Workspace) -> None:
    """Ask supervisord to stop everything and leave. One that does not answer is left to the sweep."""
    with contextlib.suppress(OSError, http.client.HTTPException, xmlrpc.client.Error):
        _rpc(workspace).supervisor.shutdown()


def _rpc(workspace: Workspace) -> xmlrpc.client.ServerProxy:
    return xmlrpc.client.ServerProxy("http://lab", transport=_UnixTransport(workspace.supervisor_socket))


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a Unix socket with a time-out; supervisor's own transport has none."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("lab", timeout=_ANSWER_LIMIT_S)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(_ANSWER_LIMIT_S)
        connection.sock.connect(str(self._path))
        return connection
