"""A real Kafka for tests, and clients of it that know nothing of our probes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer

from blackstart.model.target import Service, Target
from blackstart_lab.model import Service as LabService
from blackstart_lab.ports import take
from blackstart_lab.servers import kafka
from blackstart_lab.workspace import Workspace
from tests.requirements import require
from tests.services import eventually

_MEMBER = """
import sys
from kafka import KafkaConsumer
server, topic, group = sys.argv[1:]
consumer = KafkaConsumer(topic, bootstrap_servers=server, group_id=group, auto_offset_reset="earliest",
                         enable_auto_commit=False, session_timeout_ms=3000, heartbeat_interval_ms=500)
for message in consumer:
    consumer.commit()
    print(message.offset, flush=True)
"""


@dataclass
class Broker:
    """The lab's Kafka, without a supervisor: it is started and ended by the test."""

    lab: LabService
    log: Path
    # A listener that leads to where nobody is, as that of a container whose name only its own network knows.
    leads_astray: str
    # By the names of its other listeners: where they are.
    others: Mapping[str, str]
    # That of the module: what a test starts in its own is ended with the test.
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return self.lab.address

    def target(self, **more: str) -> Target:
        """A target whose service kafka this is."""
        return Target("test", services={"kafka": Service("kafka", **{"dsn": str(self.lab.target["dsn"]), **more})})

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.lab.program.command,
                cwd=self.lab.program.directory,
                env={**self.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        assert eventually(lambda: self.lab.lacks() is None, within_s=60), self.log.read_text()[-2000:]

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    @contextlib.contextmanager
    def admin(self) -> Iterator[KafkaAdminClient]:
        with KafkaAdminClient(bootstrap_servers=self.address) as client:
            yield client

    def topic(self, name: str, partitions: int = 1) -> str:
        """Make a topic."""
        with self.admin() as admin:
            admin.create_topics({name: {"num_partitions": partitions}}, wait_for_metadata=True)
        return name

    def write(self, topic: str, *values: str | None, partition: int = 0, key: str | None = None) -> None:
        """Write these, and wait until Kafka has them."""
        with contextlib.closing(KafkaProducer(bootstrap_servers=self.address, acks="all")) as producer:
            encoded = [None if value is None else value.encode() for value in values]
            sent = [producer.send(topic, value, key and key.encode(), partition=partition) for value in encoded]
            for one in sent:
                one.get(timeout=20)

    @contextlib.contextmanager
    def member(self, topic: str, group: str) -> Iterator[subprocess.Popen[str]]:
        """A consumer in a process of its own, which commits each message and then prints its offset."""
        argv = [sys.executable, "-c", _MEMBER, self.address, topic, group]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.communicate(timeout=10)


@contextlib.contextmanager
def kafka_broker(
    folder: Path, listeners: Mapping[str, str] | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Broker]:
    """A Kafka that runs while the block does, with other listeners of these protocols and such settings besides. Skips,
    or fails where Kafka is demanded, if none can be had."""
    require("kafka")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLACKSTART_STATE", str(folder))
        workspace = Workspace("kafka for tests")
        workspace.create()
        protocols = listeners or {}
        port, controller, astray, nobody, *more = take(4 + len(protocols))
        others = {name: f"127.0.0.1:{number}" for name, number in zip(protocols, more, strict=True)}
        log, leads_astray = folder / "kafka.log", f"127.0.0.1:{astray}"
        broker = Broker(kafka.service(workspace, port, controller), log, leads_astray, others)
    where = ",".join(["PLAINTEXT://127.0.0.1:%d,ASTRAY://127.0.0.1:%d", *(f"{n}://{at}" for n, at in others.items())])
    known = {"PLAINTEXT": "PLAINTEXT", "ASTRAY": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", **protocols}
    lines = {
        "listeners": f"{where % (port, astray)},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": where % (port, nobody),
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in known.items()),
        **(settings or {}),
    }
    with (broker.lab.program.directory / "server.properties").open("a") as properties:
        properties.writelines(f"{key}={value}\n" for key, value in lines.items())
    try:
        broker.start()
        yield broker
    finally:
        if broker.process is not None:
            broker.kill()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("BLACKSTART_STATE", str(folder))
            workspace.remove()
