"""Probes against a real Kafka: with what it holds, and while it is away, frozen or another."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator

import psutil
import pytest
from kafka import OffsetAndMetadata, TopicPartition

from blackstart.model.reading import Answer, Probe, Reader, Reading
from blackstart.model.target import Target
from blackstart.probes.kafka_brokers import Brokers
from blackstart.probes.kafka_content import TopicContent
from blackstart.probes.kafka_lag import ConsumerLag
from blackstart.probes.kafka_offsets import EndOffsets
from blackstart.probes.read import read_once
from tests.contract.kafka_broker import Broker, kafka_broker
from tests.services import eventually, free_port

pytestmark = pytest.mark.kafka
LIMIT_S = 10.0  # on a machine that is busy; it bounds what may be waited for, and is no time that passes


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with kafka_broker(tmp_path_factory.mktemp("kafka")) as running:
        yield running


@pytest.fixture
def topic(broker: Broker, request: pytest.FixtureRequest) -> str:
    """A topic of the test's own, of two partitions."""
    return broker.topic(request.node.name.replace("[", "-").rstrip("]")[:200], partitions=2)


def look(probe: Probe, target: Target, timeout_s: float = LIMIT_S) -> Reading:
    return read_once(probe.bind(target), timeout_s)


def timed(reader: Reader, timeout_s: float) -> tuple[Answer, float]:
    begun_s = time.monotonic()
    return reader.read(timeout_s), time.monotonic() - begun_s


@contextlib.contextmanager
def opened(probe: Probe, target: Target) -> Iterator[Reader]:
    reader = probe.bind(target).endpoint().open()
    try:
        yield reader
    finally:
        reader.close()


def lag_is(broker: Broker, topic: str, wanted: int) -> bool:
    return eventually(lambda: look(ConsumerLag("workers", topic), broker.target()).value == wanted, within_s=30)


# ---------------------------------------------------------------- what it holds


def test_lag_is_that_of_a_group_with_a_member_and_stays_when_the_member_is_killed(broker: Broker, topic: str) -> None:
    broker.write(topic, "a", "b")
    broker.write(topic, "c", partition=1)
    with broker.member(topic, "workers") as member:
        assert member.stdout is not None and [member.stdout.readline().strip() for _ in range(3)]
        assert lag_is(broker, topic, 0)
        member.kill()
        member.wait(10)
        broker.write(topic, "d", "e", partition=1)
        # At once, while the group still believes in its member, and when it has none.
        assert look(ConsumerLag("workers", topic), broker.target()).value == 2
        with broker.admin() as admin:
            assert eventually(lambda: not admin.describe_groups(["workers"])["workers"]["members"], within_s=40)
        seen = look(ConsumerLag("workers", topic), broker.target())
    assert (seen.value, seen.note) == (2, "")


def test_the_lag_of_a_group_that_has_committed_nothing_counts_from_the_beginning(broker: Broker, topic: str) -> None:
    broker.write(topic, "a", "b", "c")
    with broker.admin() as admin:
        admin.delete_records({TopicPartition(topic, 0): 1})
    seen = look(ConsumerLag("nobody", topic), broker.target())
    assert (seen.kind, seen.value, seen.note) == ("value", 2, "group nobody has committed nothing")


def test_more_that_is_committed_than_was_ever_written_is_no_lag(broker: Broker, topic: str) -> None:
    broker.write(topic, "a", "b")
    with broker.admin() as admin:
        admin.alter_group_offsets("ahead", {TopicPartition(topic, 0): OffsetAndMetadata(7, "", None)})
    seen = look(ConsumerLag("ahead", topic), broker.target())
    assert (seen.kind, seen.note) == ("unreadable", "ahead has committed 7 of partition 0, which ends at 2")


@pytest.mark.parametrize("probe", [ConsumerLag("workers", "no-such"), EndOffsets("no-such"), TopicContent("no-such")])
def test_a_broker_that_has_no_such_topic_says_so_and_makes_none(broker: Broker, probe: Probe) -> None:
    for _ in range(2):
        seen = look(probe, broker.target())
        assert (seen.kind, seen.note) == ("absent", "has no topic no-such")
    with broker.admin() as admin:
        assert "no-such" not in admin.list_topics()


def test_end_offsets_are_summed_over_partitions_and_do_not_shrink(broker: Broker, topic: str) -> None:
    assert look(EndOffsets(topic), broker.target()).value == 0
    broker.write(topic, "a", "b")
    broker.write(topic, "c", partition=1)
    with broker.admin() as admin:
        admin.delete_records({TopicPartition(topic, 0): 2})
    assert look(EndOffsets(topic), broker.target()).value == 3


def test_content_is_read_since_an_offset_in_order_and_as_it_is(broker: Broker, topic: str) -> None:
    assert look(TopicContent(topic), broker.target()).value == "[]"
    broker.write(topic, "first", "ü\n", None, key="k")
    broker.write(topic, "other", partition=1)
    listed = json.loads(str(look(TopicContent(topic, since=(1,)), broker.target()).value))
    assert listed == [
        {"partition": 0, "offset": 1, "key": "k", "value": "ü\n"},
        {"partition": 0, "offset": 2, "key": "k", "value": None},
        {"partition": 1, "offset": 0, "key": None, "value": "other"},
    ]
    assert look(TopicContent(topic, since=(3, 1)), broker.target()).value == "[]"


def test_content_that_is_gone_by_now_is_told_and_never_taken_for_all(broker: Broker, topic: str) -> None:
    broker.write(topic, "a", "b", "c")
    with broker.admin() as admin:
        admin.delete_records({TopicPartition(topic, 0): 2})
    told = {
        (0,): f"partition 0 of {topic} begins at offset 2: what was there since 0 is gone",
        (4,): f"partition 0 of {topic} ends at offset 3, before 4",
        (2, 0, 0): f"there is no partition 2 of {topic}",
    }
    for since, note in told.items():
        seen = look(TopicContent(topic, since=since), broker.target())
        assert (seen.kind, seen.note) == ("unreadable", note)
    assert len(json.loads(str(look(TopicContent(topic), broker.target()).value))) == 1


def test_content_of_many_messages_is_whole_and_of_too_many_bytes_is_refused(broker: Broker, topic: str) -> None:
    broker.write(topic, *(f"{number:0100}" for number in range(5000)))
    probe = TopicContent(topic).bind(broker.target())
    values = [int(one["value"]) for one in json.loads(str(read_once(probe, 60).value))]
    assert values == list(range(5000))
    reader = type(probe.endpoint())(probe.dsn, topic, max_bytes=1000).open()
    answer = reader.read(60)
    reader.close()
    assert (answer.kind, answer.note) == ("unreadable", "content larger than 1000 bytes")


# ---------------------------------------------------------------- how it is reached


def test_a_cluster_is_found_by_the_first_of_its_servers_that_answers(broker: Broker) -> None:
    dead = f"127.0.0.1:{free_port()}"
    with silent() as mute:
        for dsn in (f"kafka://{dead},{broker.address}", f"{mute},{broker.address}", f"plaintext://{broker.address}"):
            assert look(Brokers(), broker.target(dsn=dsn), LIMIT_S / 2).value == 1, dsn
    assert look(Brokers(), broker.target(dsn="", address=broker.address)).value == 1


def test_a_broker_that_answers_and_leads_to_where_nobody_does_is_told_as_that(broker: Broker) -> None:
    for probe in (Brokers(), EndOffsets("t")):
        seen = look(probe, broker.target(dsn=broker.leads_astray))
        assert seen.kind == "unreachable" and "the brokers that it names (advertised.listeners) can't be" in seen.note


def test_one_connection_is_kept_from_reading_to_reading(broker: Broker, topic: str) -> None:
    def ends() -> set[int]:
        connections = psutil.Process().net_connections("tcp")
        return {c.laddr.port for c in connections if c.raddr and c.raddr.port == int(broker.address.partition(":")[2])}

    with opened(EndOffsets(topic), broker.target()) as reader:
        assert reader.read(LIMIT_S).kind == "answer"
        kept = ends()
        for _ in range(5):
            assert reader.read(LIMIT_S).kind == "answer"
        assert ends() == kept and kept
    assert eventually(lambda: not ends())


@contextlib.contextmanager
def silent(answer: bytes = b"") -> Iterator[str]:
    """The address of something that takes connections and is no Kafka: it says nothing, or always the same."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while answer:
                    connection, _ = server.accept()
                    with connection:
                        connection.recv(64)
                        connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


@pytest.mark.parametrize(
    ("says", "kind"), [(b"", "timed_out"), (b"HTTP/1.1 400 Bad Request\r\n\r\n", "malformed")], ids=["silence", "HTTP"]
)
def test_what_takes_connections_and_is_no_kafka_is_told_from_one(says: bytes, kind: str) -> None:
    with silent(says) as address, opened(EndOffsets("t", dsn=f"kafka://{address}"), Target("test")) as reader:
        answer, took_s = timed(reader, 0.5)
    assert answer.kind == kind and took_s < 5


# ---------------------------------------------------------------- while it is away


def test_the_same_reader_sees_it_frozen_and_thawed_and_leaves_no_thread_behind(broker: Broker, topic: str) -> None:
    broker.write(topic, "a")
    probes: list[Probe] = [EndOffsets(topic), ConsumerLag("workers", topic), Brokers(), TopicContent(topic)]
    for probe in probes:
        before = threading.active_count()
        with opened(probe, broker.target()) as reader:
            assert reader.read(LIMIT_S).kind == "answer"
            with broker.frozen():
                for _ in range(3):
                    answer, took_s = timed(reader, 0.5)
                    assert answer.kind == "timed_out" and took_s < LIMIT_S / 2, (probe, answer, took_s)
            assert eventually(lambda reader=reader: reader.read(2).kind == "answer"), probe
        assert eventually(lambda before=before: threading.active_count() <= before), threading.enumerate()


def test_the_same_reader_sees_it_killed_and_started_again_with_all_that_was_there(broker: Broker, topic: str) -> None:
    broker.write(topic, "a", "b")
    probes: list[Probe] = [EndOffsets(topic), ConsumerLag("workers", topic), Brokers(), TopicContent(topic)]
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(opened(probe, broker.target())) for probe in probes]
        assert [reader.read(LIMIT_S).kind for reader in readers] == ["answer"] * 4
        broker.kill()
        for reader in readers:
            answer, took_s = timed(reader, LIMIT_S)
            assert answer.kind == "unreachable" and "refused" in answer.note and took_s < LIMIT_S / 2
        broker.start()
        seen = [probe.pick(reader.read(LIMIT_S))[1] for probe, reader in zip(probes, readers, strict=True)]
    assert seen[:3] == [2, 2, 1] and len(json.loads(str(seen[3]))) == 2
