"""Two real brokers, one of which has the topic: without it nobody leads the partition, and the other one answers."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.faults.lose_partition import LosePartition
from blackstart.model.target import Service, Target
from blackstart.safety.heal.restore import all_true
from blackstart_lab.model import Service as LabService
from blackstart_lab.ports import take
from blackstart_lab.servers import kafka
from blackstart_lab.workspace import Workspace
from tests.requirements import require
from tests.services import eventually

pytestmark = pytest.mark.kafka


class Brokers:
    """A cluster without a supervisor."""

    def __init__(self, made: tuple[LabService, ...], log: Path) -> None:
        self.made, self.log = made, log
        self.running = {one.name: self.start(one) for one in made}

    def start(self, one: LabService) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(one.program.command, cwd=one.program.directory, stdout=log, stderr=log)

    def up(self) -> bool:
        return eventually(lambda: all(one.lacks() is None for one in self.made), 120)

    def kill(self, name: str) -> None:
        self.running[name].kill()
        self.running[name].wait(10)


@pytest.fixture
def brokers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Brokers]:
    require("kafka")
    monkeypatch.setenv("BLACKSTART_STATE", str(tmp_path))
    workspace = Workspace("two brokers")
    workspace.create()
    one, other, controller = take(3)
    made = Brokers(kafka.cluster(workspace, (one, other), controller, {"orders": 1}), tmp_path / "log")
    try:
        assert made.up(), made.log.read_text()[-2000:]
        yield made
    finally:
        for name in made.running:
            made.kill(name)
        workspace.remove()


def test_without_the_broker_that_has_it_nobody_leads_the_topic_and_kafka_answers(brokers: Brokers) -> None:
    services = {
        one.name: Service(one.name, dsn=str(one.target["dsn"]), control={"manual": True}) for one in brokers.made
    }
    (change,) = LosePartition("orders").plan(Target("sale", services=services))
    assert change.service == "kafka-2"
    assert all_true(change.gone) and not all_true(change.bites)
    brokers.kill("kafka-2")
    assert eventually(lambda: all_true(change.bites), 30)
    brokers.running["kafka-2"] = brokers.start(brokers.made[1])
    assert brokers.up() and eventually(lambda: all_true(change.gone), 60)
