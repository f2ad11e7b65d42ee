"""A trader that isn't ours, in Go, in a container of nothing but its program, beside Redis and PostgreSQL in theirs."""

import contextlib
import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.docker_engine import docker
from tests.lab.container_trader import INSIDE, ContainerTrader, literal_ports, running
from tests.registries import install
from tests.services import eventually

SOURCE = Path(__file__).with_name("other_trader")
IMAGE = "blackstart-test/other-trader:1"
NAMES = {"redis": "redis", "postgres": "postgres", "api": "aitrapp"}
ORDER_ROUTE, PLAN_ROUTE, DB_TIMEOUT_S = "/order", "/plan", 1.5


@dataclass
class OtherTrader(ContainerTrader):
    """Its three containers; nothing of it is ours but that they are started here."""

    def up(self) -> None:
        """As the documents have it, by names and by the port of its API, until it has placed its first order."""
        self.ports = literal_ports()
        if self.ports.get("api") != INSIDE["api"]:
            pytest.skip(f"port {INSIDE['api']}, at which the original documents have the API, is taken on this machine")
        super().up()
        placed = "SELECT count(*) > 0 FROM orders"
        assert eventually(lambda: self.psql(placed) == "t", within_s=60), docker("logs", self.names["api"])

    def _start_api(self) -> None:
        stores = {"REDIS_URL": "redis://redis:6379/0", "DATABASE_URL": "postgres://trader@postgres/trader"}
        where = [f"--env={name}={value}" for name, value in stores.items()]
        user = f"{os.getuid() or 65534}:{os.getgid() or 65534}"
        self._run("api", ["--user", user, *where], [], of=IMAGE)


@contextlib.contextmanager
def brought_up(folder: Path) -> Iterator[OtherTrader]:
    """Built in that folder, and up until the block ends. Skips where the registry can't be used."""
    program = folder / "other-trader"
    install("env", "CGO_ENABLED=0", "go", "build", "-o", str(program), ".", cwd=SOURCE, within_s=1200)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(program, "trader")
    words = ["docker", "import", "-c", 'ENTRYPOINT ["/trader"]', "-c", "ENV LISTEN=:8000", "-", IMAGE]
    try:
        subprocess.run(words, input=packed.getvalue(), timeout=120, check=True, capture_output=True)
        with running(OtherTrader(dict(NAMES)), alone=True) as trader:
            yield trader
    finally:
        docker("rmi", IMAGE, check=False)
