"""Drives a lab from outside, as a user does: through its commands, its HTTP side and its supervisor."""

import contextlib
import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psutil
import psycopg
import redis
import requests
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.services import supervisorctl

ROOT = Path(__file__).parents[2]


class LabDriver:
    """One state folder and the trader in it."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.environment = {**os.environ, "BLACKSTART_STATE": str(state), "PYTHONPATH": str(ROOT / "lib")}

    def command(self, *words: str, within_s: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "blackstart_lab", *words],
            env={**self.environment, **environment},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=within_s,
            check=False,
        )

    def up(self, *flags: str, **environment: str) -> "LabDriver":
        result = self.command("up", "trader", "--within-s", "90", *flags, **environment)
        assert result.returncode == 0, result.stdout + result.stderr
        return self

    @property
    def folder(self) -> Path:
        return self.state / "labs" / "trader"

    @property
    def target(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "target.toml").read_text())

    def supervisor(self, *words: str) -> str:
        return supervisorctl(self.folder / "supervisord.conf", *words)

    def pid(self, service: str) -> int:
        return int(self.supervisor("pid", service))

    def tree(self, service: str) -> list[psutil.Process]:
        process = psutil.Process(self.pid(service))
        return [process, *process.children(recursive=True)]

    def freeze(self, service: str) -> list[psutil.Process]:
        """They stand still by the time that this returns: a process stops when it is next scheduled, and not before."""
        frozen = self.tree(service)
        for process in frozen:
            with contextlib.suppress(psutil.NoSuchProcess):  # PostgreSQL has workers that come and go
                process.suspend()
        eventually(lambda: all(map(stopped, alive(frozen))), within_s=20)
        return frozen

    def url(self, path: str, service: str = "api") -> str:
        return str(self.target["services"][service]["url"]) + path

    def get(self, path: str, service: str = "api") -> requests.Response:
        return requests.get(self.url(path, service), timeout=5)

    def status(self, path: str, service: str = "api") -> int | None:
        """HTTP status, or None where nobody answers."""
        try:
            return self.get(path, service).status_code
        except requests.RequestException:
            return None

    def post(self, path: str, body: object = None, **headers: str) -> requests.Response:
        return requests.post(self.url(path), json=body, headers=headers, timeout=5)

    def order(self, client_order_id: str, quantity: float = 1.0, path: str = "/orders") -> requests.Response:
        return self.post(path, {"client_order_id": client_order_id, "side": "BUY", "quantity": quantity, "price": 2.5})

    def metric(self, line_start: str, service: str = "api") -> float | None:
        """The one sample whose line begins so; None where there is none."""
        lines = [line for line in self.get("/metrics", service).text.splitlines() if line.startswith(line_start)]
        assert len(lines) <= 1, lines
        return float(lines[0].rpartition(" ")[2]) if lines else None

    def events(self, kind: str, service: str = "api") -> list[dict[str, Any]]:
        lines = Path(self.target["services"][service]["events"]).read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == kind]

    def sql(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.target["services"]["postgres"]["dsn"], connect_timeout=3) as connection:
            return connection.execute(query.encode(), values or None).fetchall()

    def execute(self, statement: str, *values: object) -> None:
        """A statement that gives nothing back."""
        with psycopg.connect(self.target["services"]["postgres"]["dsn"], connect_timeout=3) as connection:
            connection.execute(statement.encode(), values or None)

    def left_broken(self) -> str:
        """What of its own servers is not as `up` left it, by a look that has nothing of Blackstart; "" where all is."""
        services = [name for name in ("redis", "postgres") if name in self.target["services"]]
        if amiss := self._amiss(services):
            return amiss
        try:
            if "redis" in services:
                with self.redis() as client:
                    client.ping()
            if "postgres" in services:
                self.sql("SELECT 1")
        except (redis.RedisError, psycopg.Error) as error:
            return f"it does not answer: {error}"
        return ""

    def _amiss(self, services: list[str]) -> str:
        """What their supervisor, or the cluster that they are in, and their processes show of that."""
        controls = [self.target["services"][name]["control"] for name in services]
        if pods := [control for control in controls if "deployment" in control]:
            return "; ".join(filter(None, map(lacking, pods)))
        told = {name: self.supervisor("status", name).split()[1] for name in services}
        if not set(told.values()) <= {"RUNNING", "STARTING"}:  # it is called STARTING for its first second
            return str(told)
        frozen = [one for name in services for one in self.tree(name) if stopped(one)]
        return f"frozen: {frozen}" if frozen else ""

    def redis(self) -> "redis.Redis":
        """Straight to it, not through a proxy."""
        dsn = self.target["services"]["redis"]["dsn"]
        return redis.Redis.from_url(dsn, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))

    def processes(self) -> list[psutil.Process]:
        """Every process that carries the lab's folder in its environment, found without the lab's own code."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("BLACKSTART_LAB") == str(self.folder):
                    found.append(process)
            except psutil.Error:
                continue
        return found


def lacking(control: dict[str, str]) -> str:
    """What a Deployment is not: one pod ready, and no number noted that is still to be brought back; "" where it is."""
    inside = [f"--context={control['context']}", f"--namespace={control['namespace']}"]
    path = r"jsonpath={.status.readyReplicas} {.metadata.annotations.blackstart\.dev/replicas}"
    words = ["kubectl", *inside, "get", f"deployment/{control['deployment']}", "-o", path]
    told = subprocess.run(words, capture_output=True, text=True, timeout=30, check=True).stdout.strip()
    return "" if told == "1" else f"{control['deployment']}: pods ready, and noted: {told or 'none'}"


def alive(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; one that has ended and waits to be reaped by init does not."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def stopped(process: psutil.Process) -> bool:
    """Whether it is frozen; one that has ended meanwhile is not."""
    try:
        return bool(process.status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return False


def eventually(fact: Callable[[], object], within_s: float) -> float:
    """Poll until the fact is true; returns how long it took, in seconds."""
    started = time.monotonic()
    while not fact():
        assert time.monotonic() - started < within_s, f"not true within {within_s} s"
        time.sleep(0.02)
    return time.monotonic() - started
