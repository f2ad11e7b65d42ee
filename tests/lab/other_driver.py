"""A flash sale that isn't ours, in Go: built, brought up on the labs' servers, and told of by a target file alone."""

import contextlib
import os
import signal
import subprocess
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from psutil import NoSuchProcess, Process

from blackstart_lab import lifecycle, ports
from blackstart_lab.model import Layout, Program, Service
from blackstart_lab.servers import fault_proxy, kafka, load_balancer, postgres, redis
from blackstart_lab.workspace import Workspace
from tests import leftovers
from tests.registries import install
from tests.requirements import require
from tests.services import eventually

SOURCE = Path(__file__).with_name("other_sale")
TOPIC, GROUP, PARTITIONS = "sales.incoming", "stockroom", 3
TARGET = """\
name = "other-sale"
kind = "flash-sale"
api = "http://{balancer}"
proxy = "http://{proxy}"

[sale]
product = "sneaker"

[kafka]
topic = "{topic}"
group = "{group}"

[facts]
gate_per_s = 40
catch_up_s = 30
worker_down_s = 8
kafka_timeout_s = 2

[services.kafka]
dsn = "kafka://{kafka}"
control = {{ supervisor = "kafka", config = "{config}" }}

[services.postgres]
dsn = "postgresql://shop@{postgres}/shop"
control = {{ supervisor = "postgres", config = "{config}" }}

[services.redis]
dsn = "redis://{redis}/3"
address = "{way}"
proxy_name = "stock"
control = {{ supervisor = "redis", config = "{config}" }}

[services.api-1]
url = "http://{api_1}"
control = {{ supervisor = "api-1", config = "{config}" }}

[services.api-2]
url = "http://{api_2}"
control = {{ supervisor = "api-2", config = "{config}" }}

[services.worker]
url = "http://{worker}"
control = {{ pidfile = "{pidfile}", start = ["{start}"] }}
"""


@pytest.fixture(scope="session")
def other_sale(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its program, of a copy of its source: nothing is written into the repository."""
    require("go", "kafka")
    made = tmp_path_factory.mktemp("other") / "other-sale"
    install("go", "build", "-o", str(made), ".", cwd=SOURCE, within_s=900)
    return made


@dataclass
class OtherSale:
    """It runs; `target` is the file that tells of it. What the labs' servers need is below `state`."""

    state: Path
    target: Path
    pidfile: Path
    start: Path

    def start_worker(self) -> None:
        """As its target file does. It is nobody's child and no test's: `end_worker` ends it, whoever has started it."""
        own = {name: value for name, value in os.environ.items() if name != leftovers.MARK}
        subprocess.run(["/bin/sh", "-c", '"$1" &', "sh", str(self.start)], env=own, timeout=10, check=True)

    @contextlib.contextmanager
    def careless(self) -> Iterator[None]:
        """Its worker, and each that is started for it, commits offsets before it writes, while the block runs."""
        healthy = self.start.read_text()
        self.end_worker()
        self.start.write_text(healthy.replace("exec ", "DEFECT=commits-first exec "))
        self.start_worker()
        try:
            yield
        finally:
            self.end_worker()
            self.start.write_text(healthy)
            self.start_worker()

    def end_worker(self) -> None:
        """For good, whoever has started it."""
        with contextlib.suppress(FileNotFoundError, ValueError, NoSuchProcess):
            worker = Process(int(self.pidfile.read_text()))
            worker.send_signal(signal.SIGKILL)
            worker.wait(10)


@contextlib.contextmanager
def brought_up(program: Path, state: Path) -> Iterator[OtherSale]:
    """The sale, until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLACKSTART_STATE", str(state))
        workspace = Workspace("other-sale")
        lab = _Servers(program)
        lifecycle.up(lab, Namespace(), print, within_s=120)
        sale = lab.told(workspace, state)
        try:
            sale.start_worker()
            worker = f"http://{lab.at['worker']}/health"
            assert eventually(lambda: _answers(worker), within_s=20), (state / "worker.log").read_text()
            yield sale
        finally:
            sale.end_worker()
            lifecycle.down(lab.name, print)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=1).status_code == 200
    except requests.RequestException:
        return False


class _Servers:
    """What the other sale stands on, of the labs' own parts, and its APIs."""

    name = "other-sale"
    summary = "of the tests"

    def __init__(self, program: Path) -> None:
        self.program = program
        self.at: dict[str, str] = {}
        self.where: dict[str, str] = {}

    def mutants(self) -> dict[str, dict[str, Any]]:
        return {}

    def lay_out(self, workspace: Workspace, options: Namespace) -> Layout:
        names = ("redis", "way", "postgres", "kafka", "controller", "proxy", "api_1", "api_2", "worker", "balancer")
        port = dict(zip(names, ports.take(len(names)), strict=True))
        self.at = {name: f"127.0.0.1:{number}" for name, number in port.items()}
        self.where = {
            "DATABASE_URL": f"postgres://shop@{self.at['postgres']}/shop",
            "KAFKA_BROKER": self.at["kafka"],
            "TOPIC": TOPIC,
            "GROUP": GROUP,
        }
        servers = (
            redis.service(workspace, port["redis"], keeps=True),
            postgres.service(workspace, port["postgres"], "shop"),
            kafka.service(workspace, port["kafka"], port["controller"], {TOPIC: PARTITIONS}),
            fault_proxy.service(workspace, port["proxy"], {"stock": (self.at["way"], self.at["redis"])}),
            load_balancer.service(workspace, port["balancer"], [self.at["api_1"], self.at["api_2"]]),
        )
        return Layout((*servers, *(self._api(workspace, name) for name in ("api_1", "api_2"))), {})

    def _api(self, workspace: Workspace, name: str) -> Service:
        more = {
            "LISTEN": self.at[name],
            "REDIS_URL": f"redis://{self.at['way']}/3",
            "GATE_PER_S": "40",
            "WAITING_ROOM": "http://127.0.0.1/waiting",
        }
        url = f"http://{self.at[name]}/health"
        program = Program((str(self.program), "api"), workspace.folder, {**self.where, **more})
        return Service(name.replace("_", "-"), program, self.at[name], lambda: None if _answers(url) else "no answer")

    def told(self, workspace: Workspace, state: Path) -> OtherSale:
        """Its target file, and the command in it by which its worker is started."""
        pidfile, start, target = state / "worker.pid", state / "start-worker", state / "other-sale.toml"
        settings = {**self.where, "LISTEN": self.at["worker"]}
        lines = [f"export {name}='{value}'" for name, value in settings.items()]
        ends = [f"echo $$ >'{pidfile}'", f"exec '{self.program}' worker >>'{state / 'worker.log'}' 2>&1"]
        start.write_text("\n".join(["#!/bin/sh", *lines, *ends, ""]))
        start.chmod(0o755)
        files = {"config": workspace.supervisor_config, "pidfile": pidfile, "start": start}
        target.write_text(TARGET.format(topic=TOPIC, group=GROUP, **self.at, **files))
        return OtherSale(state, target, pidfile, start)
