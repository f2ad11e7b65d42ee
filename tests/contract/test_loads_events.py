"""A storm of events into a real Kafka: each is there, some twice on purpose, and the record says what came of each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.base.errors import StepFailed
from blackstart.loads import KafkaEvents
from blackstart.loads.runner import LoadHandle
from blackstart.probes.kafka_content import TopicContent
from blackstart.probes.read import read_once
from tests.contract.kafka_broker import Broker, kafka_broker
from tests.contract.loads_support import by_key, played
from tests.services import free_port

pytestmark = pytest.mark.kafka
N, AGAIN_EVERY = 1000, 10


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with kafka_broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


def storm(dsn: str, topic: str, **more: object) -> KafkaEvents:
    given = {"n": N, "again_every": AGAIN_EVERY, "timeout_s": 30.0, **more}
    return KafkaEvents(topic=topic, dsn=dsn, value='{"event_id": "{key}", "number": {n}}', key_prefix="e-", **given)  # type: ignore[arg-type]


def test_every_event_is_acknowledged_and_there_and_one_in_ten_is_sent_twice(broker: Broker, tmp_path: Path) -> None:
    topic = broker.topic("storm", partitions=3)
    summary, history = played(storm(str(broker.lab.target["dsn"]), topic), tmp_path / "history.csv")
    assert summary.complete and (summary.intended, summary.sent) == (N, N), summary.reasons
    assert (summary.ok, summary.retries) == (N + N // AGAIN_EVERY, N // AGAIN_EVERY)
    rows = history.rows
    assert {row.intended_s for row in rows} == {rows[0].intended_s}  # all at once
    attempts = Counter(len(tries) for tries in by_key(history).values())
    assert attempts == {1: N - N // AGAIN_EVERY, 2: N // AGAIN_EVERY}
    content = json.loads(str(read_once(TopicContent(topic).bind(broker.target()), 20.0).value))
    found = Counter(json.loads(message["value"])["event_id"] for message in content)
    assert found == {key: len(tries) for key, tries in by_key(history).items()}
    assert len({message["partition"] for message in content}) == 3
    at = {(key, message["partition"]) for message in content for key in [message["key"]]}
    assert len(at) == N  # one key, one partition


def test_what_a_frozen_broker_does_not_acknowledge_has_an_unknown_fate(broker: Broker, tmp_path: Path) -> None:
    topic = broker.topic("frozen", partitions=1)
    # It bounds the first look for the topic, too, which a busy machine has to be given the time for.
    load = storm(str(broker.lab.target["dsn"]), topic, n=20, timeout_s=4.0, again_every=0)
    runner = LoadHandle.start(load, tmp_path / "history.csv")
    try:
        runner.wait_ready(20)
        with broker.frozen():
            runner.go()
            summary = runner.wait(60)
    finally:
        runner.stop(1)
    assert summary is not None and (summary.ok, summary.info) == (0, 20), summary


def test_no_kafka_and_no_topic_are_refused_before_anything_is_sent(broker: Broker, tmp_path: Path) -> None:
    for dsn, said in {
        f"kafka://127.0.0.1:{free_port()}": "no Kafka for the events",
        str(broker.lab.target["dsn"]): "no topic nowhere",
    }.items():
        runner = LoadHandle.start(storm(dsn, "nowhere", timeout_s=6.0), tmp_path / "history.csv")
        with pytest.raises(StepFailed, match=said):
            runner.wait_ready(60)
        runner.stop(1)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"n": 0}, "between 1 and 1000000"),
        ({"topic": ""}, "need a topic"),
        ({"dsn": "redis://x"}, "the dsn of the events"),
        ({"again_every": -1}, "must not be below 0"),
        ({"timeout_s": 0.5}, "between 1 and 3600"),
    ],
)
def test_a_storm_that_is_none_is_refused(more: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        storm(**{"dsn": "kafka://h:9", "topic": "t", **more})  # type: ignore[arg-type]
