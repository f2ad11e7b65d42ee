"""A target of two kinds: the API is a process of this machine, its Redis and PostgreSQL run in containers."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.docker_engine import docker, redis_container
from tests.lab.container_trader import ROOT, ContainerTrader, running
from tests.lab.drills import drill, ledger
from tests.requirements import require
from tests.services import free_port

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


class MixedTrader(ContainerTrader):
    """Redis and PostgreSQL in containers with names of their own; the API beside them, on the ports they publish."""

    process: subprocess.Popen[bytes]
    log: Path

    def _start_api(self) -> None:
        self.ports["api"] = free_port()
        words = ["--port", str(self.ports["api"]), "--profile", self.profile, "--events", str(self.log) + ".events"]
        where = ["--redis-url", f"redis://127.0.0.1:{self.ports['redis']}/0", "--dsn", self.dsn]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "blackstart_lab.trader", "--host", "127.0.0.1", *words, *where],
                env={**os.environ, "PYTHONPATH": str(ROOT / "lib")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def down(self) -> None:
        """End the process, then the containers."""
        if hasattr(self, "process"):
            self.process.terminate()
            self.process.wait(20)
        super().down()

    def target(self, path: Path, by: str, dsn: bool = True, **services: str) -> Path:
        """The same file, with the API as a service of its own, which nothing controls."""
        super().target(path, by, dsn, **services)
        with path.open("a") as file:
            file.write(f'[services.api]\naddress = "127.0.0.1:{self.ports["api"]}"\nurl = "{self.api}"\n')
            file.write(f'log = "{self.log}"\n')
        return path


@pytest.fixture(scope="module")
def trader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MixedTrader]:
    require("docker")
    mark = uuid.uuid4().hex[:8]
    mixed = MixedTrader({name: f"{name}-{mark}" for name in ("redis", "postgres")})
    mixed.log = tmp_path_factory.mktemp("api") / "api.log"
    with running(mixed) as up:
        yield up


@pytest.mark.parametrize(
    "dsn", [pytest.param(True, marks=pytest.mark.slow), False], ids=["with a dsn", "asked inside of its container"]
)
def test_leader_lock_holds(trader: MixedTrader, tmp_path: Path, dsn: bool) -> None:
    file = trader.target(tmp_path / "trader.toml", "docker", dsn)
    before, born = trader.started(), psutil.Process(trader.process.pid).create_time()
    done = drill("chaos.leader-lock", tmp_path / "state", tmp_path / "reports", TARGET=str(file))
    assert done.code == 0, done.output
    assert [event["service"] for event in done.record.of("linked")] == ["redis"]
    found = {finding.name: finding for finding in done.judged().findings}
    assert found["no_order_while_paused"].status == "held"
    after = trader.started()
    assert {name for name in after if after[name] != before[name]} == {trader.names["redis"]}
    assert psutil.Process(trader.process.pid).create_time() == born
    assert ledger(tmp_path / "state") == []


@pytest.mark.slow  # leader-lock has gone this way every time, and postgres-blip the other two
def test_postgres_blip_holds(trader: MixedTrader, tmp_path: Path) -> None:
    file = trader.target(tmp_path / "trader.toml", "docker")
    done = drill("chaos.postgres-blip", tmp_path / "state", tmp_path / "reports", TARGET=str(file))
    assert done.code == 0, done.output
    assert trader.started()[trader.names["postgres"]].endswith(" running")


def test_the_redis_of_somebody_else_is_refused_and_stays(trader: MixedTrader, tmp_path: Path) -> None:
    with redis_container() as (other, _):
        file = trader.target(tmp_path / "trader.toml", "docker", redis=f'{{ docker = "{other}" }}')
        done = drill("chaos.leader-lock", tmp_path / "state", tmp_path / "reports", TARGET=str(file))
        assert done.code == 40, done.output
        assert "no proof that redis is the one that trader uses" in done.output
        assert docker("inspect", "--format", "{{.State.Status}}", other) == "running"
    assert trader.leads()
