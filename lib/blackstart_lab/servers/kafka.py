"""Apache Kafka: one node of KRaft that is broker and controller, and forgets nothing when it is killed."""

import base64
import hashlib
import shutil
import socket
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Program, Service
from blackstart_lab.servers import kafka_files
from blackstart_lab.workspace import Workspace, cache_folder, remember

_FORMAT_LIMIT_S = 60
_ANSWER_MS = 2000
_DATA = "data"  # below the folder that Kafka works in: no name of a folder has to be written as its settings want it
# It starts once and lives for minutes: less memory and quicker to start than fast at its best.
_FLAGS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.apache.logging.log4j.level=WARN")
_ALONE = {
    f"{of}.{what}": "1"
    for of, whats in {
        "offsets.topic": ("replication.factor", "num.partitions"),
        "transaction.state.log": ("replication.factor", "min.isr", "num.partitions"),
        "share.coordinator.state.topic": ("replication.factor", "min.isr", "num.partitions"),
    }.items()
    for what in whats
}


def service(workspace: Workspace, port: int, controller_port: int, topics: Mapping[str, int] | None = None) -> Service:
    """A Kafka with these topics, each with its number of partitions; another topic is not made by being asked for.

    Fetches what it is run from where that is missing. Raises NotStarted.
    """
    folder = workspace.folder / "kafka"
    folder.mkdir(exist_ok=True)
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "log.dirs": _DATA,
        **_ALONE,
        # One that was killed is still registered when it starts again, and is taken only after that has lapsed.
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "auto.create.topics.enable": "false",
    }
    (folder / "server.properties").write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
    jars = kafka_files.jars()
    run = (kafka_files.java(), *_FLAGS, "-cp", f"{jars}/*")
    _make_data(folder, jars, run)
    return Service(
        name="kafka",
        # Exit code 1 is a start that failed (port taken); a crash ends by a signal and is revived.
        program=Program((*run, "kafka.Kafka", "server.properties"), folder, stop_wait_s=10, final_exit_codes=(1,)),
        address=f"127.0.0.1:{port}",
        lacks=lambda: _lacks(port, topics or {}),
        target={"dsn": f"kafka://127.0.0.1:{port}"},
    )


def _make_data(folder: Path, jars: Path, run: tuple[str, ...]) -> None:
    """A fresh data folder, copied from the cache where an earlier start has left one, with a name of its own."""
    names = sorted(path.name for path in jars.glob("*.jar"))
    template = cache_folder() / f"kafka-data-{hashlib.sha256(repr(names).encode()).hexdigest()[:16]}"
    if template.is_dir():
        shutil.copytree(template, folder / _DATA)
    else:
        _format(folder, run)
        remember(folder / _DATA, template)
    ids = {"cluster.id": _id(), "directory.id": _id(), "node.id": "1", "version": "1"}
    meta = "".join(f"{key}={value}\n" for key, value in ids.items())
    (folder / _DATA / "meta.properties").write_text(meta)


def _id() -> str:
    """As Kafka writes its own: 16 random bytes. One that begins with a minus could be taken for a flag."""
    return "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]


def _format(folder: Path, run: tuple[str, ...]) -> None:
    command = [*run, "kafka.tools.StorageTool", "format", "-t", _id(), "-c", "server.properties"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_FORMAT_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotStarted(f"Kafka's storage tool could not be run: {error}") from error
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise NotStarted(f"Kafka's storage tool failed with exit code {done.returncode}: {' / '.join(last)}")


def _lacks(port: int, topics: Mapping[str, int]) -> str | None:
    """Makes the topics that are missing, once it takes connections."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError as error:
        return f"no connection ({error})"
    from kafka import KafkaAdminClient  # noqa: PLC0415 - takes a quarter of a second, which only `up` needs to spend
    from kafka.errors import KafkaError  # noqa: PLC0415

    limits = {"bootstrap_timeout_ms": _ANSWER_MS, "request_timeout_ms": _ANSWER_MS}
    try:
        with KafkaAdminClient(bootstrap_servers=f"127.0.0.1:{port}", **limits) as client:
            there = set(client.list_topics())
            missing = {name: {"num_partitions": topics[name]} for name in topics.keys() - there}
            if missing:
                client.create_topics(missing, timeout_ms=_ANSWER_MS)
            client.wait_for_topics(list(topics), timeout_ms=_ANSWER_MS)
    except (KafkaError, RuntimeError) as error:  # the latter, where it finds no controller yet
        return f"no answer of the broker ({type(error).__name__}: {error})"
    return None
