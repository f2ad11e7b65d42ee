"""Kafka's data folder, made before its first start. That it runs, and comes back, is seen in the probes' tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart_lab.lab_error import NotStarted
from blackstart_lab.servers import kafka, kafka_files
from blackstart_lab.workspace import Workspace
from tests.requirements import require
from tests.services import free_port


@pytest.fixture
def workspace(own_state: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Workspace]:
    monkeypatch.setattr(kafka, "cache_folder", lambda: tmp_path / "cache")
    made = Workspace("shop")
    made.create()
    yield made
    made.remove()


def names(workspace: Workspace) -> dict[str, str]:
    text = (workspace.folder / "kafka" / "data" / "meta.properties").read_text()
    return dict(line.split("=", 1) for line in text.splitlines())


def test_second_data_folder_is_copied_from_the_cache_and_is_another_cluster(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    require("kafka")
    kafka.service(workspace, 1234, 1235)
    first = names(workspace)
    workspace.remove()
    workspace.create()
    monkeypatch.setattr(kafka, "_format", lambda *_: pytest.fail("formatted once more"))
    service = kafka.service(workspace, 1236, 1237)
    second = names(workspace)
    assert first.keys() == second.keys() and first["cluster.id"] != second["cluster.id"]
    assert first["directory.id"] != second["directory.id"]
    assert (workspace.folder / "kafka" / "data" / "bootstrap.checkpoint").is_file()
    assert "1@127.0.0.1:1237" in (workspace.folder / "kafka" / "server.properties").read_text()
    assert service.target == {"dsn": "kafka://127.0.0.1:1236"} and service.lacks() is not None


def test_a_second_broker_is_of_the_same_cluster_and_no_controller(workspace: Workspace) -> None:
    require("kafka")
    one, other = kafka.cluster(workspace, (1234, 1236), 1235, {"orders": 1})
    assert (one.name, other.name, other.address) == ("kafka", "kafka-2", "127.0.0.1:1236")
    told = [
        (workspace.folder / each.name / "data" / "meta.properties").read_text().splitlines() for each in (one, other)
    ]
    first, second = (dict(line.split("=", 1) for line in text) for text in told)
    assert first["cluster.id"] == second["cluster.id"] and first["directory.id"] != second["directory.id"]
    assert (first["node.id"], second["node.id"]) == ("1", "2")
    settings = (workspace.folder / "kafka-2" / "server.properties").read_text().splitlines()
    assert "process.roles=broker" in settings and "listeners=PLAINTEXT://127.0.0.1:1236" in settings


def test_a_java_that_can_not_run_kafka_is_refused_with_what_it_says(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "java"
    broken.write_text("#!/bin/sh\necho 'no memory left' >&2\nexit 7\n")
    broken.chmod(0o755)
    monkeypatch.setattr(kafka_files, "jars", lambda: tmp_path)
    monkeypatch.setattr(kafka_files, "java", lambda: str(broken))
    with pytest.raises(NotStarted, match="storage tool failed with exit code 7: no memory left"):
        kafka.service(workspace, 1234, 1235)
    assert not (tmp_path / "cache").exists()
    monkeypatch.setattr(kafka_files, "java", lambda: str(tmp_path / "none"))
    with pytest.raises(NotStarted, match="storage tool could not be run: .*No such file"):
        kafka.service(workspace, 1234, 1235)


def test_a_kafka_that_is_there_is_one_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    assert kafka.elsewhere() is None
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "localhost:9092\n")
    assert kafka.elsewhere() == "localhost:9092"
    for named in (
        "kafka.example.com:9092",
        "localhost",
        "127.0.0.1:9092,127.0.0.1:9093",
        "kafka://me:kW9@127.0.0.1:9092",
    ):
        monkeypatch.setenv("KAFKA_BOOTSTRAP", named)
        with pytest.raises(NotStarted, match="KAFKA_BOOTSTRAP must be one Kafka of this machine") as refusal:
            kafka.elsewhere()
        assert "kW9" not in str(refusal.value)


def test_a_kafka_that_should_be_there_and_is_not_is_refused_with_the_next_step() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(
        NotStarted, match=f"KAFKA_BOOTSTRAP={address} can't be used: no connection .*unset KAFKA_BOOTSTRAP"
    ):
        kafka.make_topics(address, {"orders": 1})
