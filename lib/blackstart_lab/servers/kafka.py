"""Apache Kafka: KRaft, one node that is broker and controller, or more brokers; none forgets anything when killed."""

import base64
import hashlib
import os
import re
import shutil
import socket
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.model import Program, Service
from blackstart_lab.servers import kafka_files
from blackstart_lab.workspace import Workspace, cache_folder, remember

_BOOTSTRAP = "KAFKA_BOOTSTRAP"
"""The variable that names a Kafka which is there already, such as one in a container."""
_FORMAT_LIMIT_S = 60
_ANSWER_MS = 2000
_OFFSETS = "__consumer_offsets"
_DATA = "data"  # below the folder that Kafka works in: no name of a folder has to be written as its settings want it
# It starts once and lives for minutes: less memory and quicker to start than fast at its best.
FLAGS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dorg.apache.logging.log4j.level=WARN")
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
    return cluster(workspace, (port,), controller_port, topics)[0]


def cluster(
    workspace: Workspace,
    ports: Sequence[int],
    controller_port: int,
    topics: Mapping[str, int] | None = None,
    way: tuple[int, int] | None = None,
) -> tuple[Service, ...]:
    """The same with a broker at each port. The first is controller besides, and knows what groups have committed; the
    last holds the topics, each without a copy elsewhere. Raises NotStarted.

    `way` is for clients that reach the first through a fault proxy: the port at which it listens for that, and the
    proxy's, which it names to them.
    """
    jars = kafka_files.jars()
    run = (kafka_files.java(), *FLAGS, "-cp", f"{jars}/*")
    cluster_id, made = _id(), []
    for number, port in enumerate(ports, 1):
        name = f"kafka-{number}" if number > 1 else "kafka"
        folder = workspace.folder / name
        folder.mkdir(exist_ok=True)
        said = settings(number, port, controller_port, way if number == 1 else None)
        (folder / "server.properties").write_text("".join(f"{key}={value}\n" for key, value in said.items()))
        _make_data(folder, jars, run, {"cluster.id": cluster_id, "directory.id": _id(), "node.id": str(number)})
        holds = {} if topics is None or number < len(ports) else topics
        made.append(_broker(name, folder, run, ports[0], port, number, holds))
    return tuple(made)


def elsewhere() -> str | None:
    """`host:port` of the Kafka that KAFKA_BOOTSTRAP names; None where one is to be started. Raises NotStarted."""
    named = os.environ.get(_BOOTSTRAP, "").strip()
    if named and not re.fullmatch(r"(127\.0\.0\.1|localhost):[0-9]{1,5}", named):
        raise NotStarted(
            f"{_BOOTSTRAP} must be one Kafka of this machine, as in {_BOOTSTRAP}=localhost:9092; or unset it"
        )
    return named or None


def lacks(address: str, topics: Mapping[str, int]) -> str | None:
    """What a Kafka elsewhere lacks to have these topics, which are made where they are missing."""
    return _without(address, {name: {"num_partitions": count} for name, count in topics.items()}, address)


def make_topics(address: str, topics: Mapping[str, int]) -> None:
    """In a Kafka that is there. Raises NotStarted."""
    lack = lacks(address, topics)
    if lack:
        raise NotStarted(f"the Kafka of {_BOOTSTRAP}={address} can't be used: {lack}; start it, or unset {_BOOTSTRAP}")


def settings(number: int, port: int, controller_port: int, way: tuple[int, int] | None = None) -> dict[str, str]:
    """What server.properties says of a broker; the first is controller, too."""
    controller = f",CONTROLLER://127.0.0.1:{controller_port}" if number == 1 else ""
    named, by_way = f"PLAINTEXT://127.0.0.1:{port}", ""
    if way:
        by_way, named = f",PROXIED://127.0.0.1:{way[0]}", f"{named},PROXIED://127.0.0.1:{way[1]}"
    return {
        "process.roles": "broker,controller" if number == 1 else "broker",
        "node.id": str(number),
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{port}{by_way}{controller}",
        "advertised.listeners": named,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": _DATA,
        **_ALONE,
        # One that was killed is still registered when it starts again, and is taken only after that has lapsed.
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "auto.create.topics.enable": "false",
    }


def _broker(
    name: str, folder: Path, run: tuple[str, ...], first: int, port: int, number: int, topics: Mapping[str, int]
) -> Service:
    return Service(
        name=name,
        # Exit code 1 is a start that failed (port taken); a crash ends by a signal and is revived.
        program=Program((*run, "kafka.Kafka", "server.properties"), folder, stop_wait_s=10, final_exit_codes=(1,)),
        address=f"127.0.0.1:{port}",
        lacks=lambda: _lacks(first, port, number, topics),
        target={"dsn": f"kafka://127.0.0.1:{port}"},
    )


def _make_data(folder: Path, jars: Path, run: tuple[str, ...], ids: Mapping[str, str]) -> None:
    """A fresh data folder, copied from the cache where an earlier start has left one, with a name of its own."""
    names = sorted(path.name for path in jars.glob("*.jar"))
    template = cache_folder() / f"kafka-data-{hashlib.sha256(repr(names).encode()).hexdigest()[:16]}"
    if template.is_dir():
        shutil.copytree(template, folder / _DATA)
    else:
        _format(folder, run)
        remember(folder / _DATA, template)
    meta = "".join(f"{key}={value}\n" for key, value in {**ids, "version": "1"}.items())
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


def _lacks(first: int, port: int, number: int, topics: Mapping[str, int]) -> str | None:
    """Makes the topics that are missing on that broker, once it takes connections and the first knows it."""
    wanted: dict[str, dict[str, Any]] = {
        name: {"assignments": {at: [number] for at in range(count)}} for name, count in topics.items()
    }
    if topics and number > 1:
        # Else it is made when the first group comes, on either of them.
        wanted[_OFFSETS] = {"assignments": {0: [1]}, "configs": {"cleanup.policy": "compact"}}
    return _without(f"127.0.0.1:{port}", wanted, f"127.0.0.1:{first}")


def _without(address: str, wanted: Mapping[str, dict[str, Any]], asked: str) -> str | None:
    """What a broker lacks to have these topics, which are made by way of the one that is asked."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError as error:
        return f"no connection ({error})"
    from kafka import KafkaAdminClient  # noqa: PLC0415 - takes a quarter of a second, which only `up` needs to spend
    from kafka.errors import KafkaError  # noqa: PLC0415

    limits = {"bootstrap_timeout_ms": _ANSWER_MS, "request_timeout_ms": _ANSWER_MS}
    try:
        with KafkaAdminClient(bootstrap_servers=asked, **limits) as client:
            there = set(client.list_topics())
            missing = {name: how for name, how in wanted.items() if name not in there}
            if missing:
                client.create_topics(missing, timeout_ms=_ANSWER_MS)
            client.wait_for_topics(list(wanted), timeout_ms=_ANSWER_MS)
    except (KafkaError, RuntimeError) as error:  # the latter, where it finds no controller yet
        return f"no answer of the broker ({type(error).__name__}: {error})"
    return None
