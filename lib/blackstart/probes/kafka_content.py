"""What stands in a topic of Kafka since some offsets, for final states that a check reads."""

import json
from dataclasses import replace
from typing import Any, ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.secrets.redact import Redactor
from blackstart.base.sockets import Deadline, NoAnswer
from blackstart.model.expect import Conditions
from blackstart.model.protocols import read_kafka
from blackstart.model.reading import Answer, Picked, Reader
from blackstart.model.target import Target
from blackstart.probes.kafka_offsets import kafka_dsn

MAX_BYTES = 64 * 1024 * 1024
_OBJECT_BYTES = 100  # what an empty message costs in memory, at least


@plain("endpoint.kafka_content")
class KafkaContent:
    """All messages of a topic; `since` has the first offset of partition 0, 1, …: without, from where it begins."""

    dsn: str
    topic: str
    since: tuple[int, ...] = ()
    max_bytes: int = MAX_BYTES
    least_tick_s: ClassVar[float] = 1.0
    loads: ClassVar[tuple[str, ...]] = ("blackstart.probes.kafka_reader",)

    def open(self) -> Reader:
        """A reader that keeps its connection. Raises BadTarget for a missing variable."""
        from blackstart.probes.kafka_reader import KafkaReader  # noqa: PLC0415  (declarations load no client)

        return KafkaReader(read_kafka(self.dsn), self._look)

    def _look(self, client: Any, deadline: Deadline) -> Answer:
        from blackstart.probes import kafka_reader as kafka  # noqa: PLC0415

        partitions = kafka.partitions_of(client, self.topic)
        if not partitions:
            return Answer("answer", note=f"has no topic {self.topic}")
        ends = kafka.offsets(client, partitions)
        since = self._first(kafka.offsets(client, partitions, earliest=True), ends)
        behind = [at for at in partitions if since[at.partition] < ends[at.partition]]
        with kafka.consumer(client, {at: since[at.partition] for at in behind}) as consumer:
            return Answer("answer", self._read(consumer, {at: ends[at.partition] for at in behind}, deadline))

    def _read(self, consumer: Any, ends: dict[Any, int], deadline: Deadline) -> list[Any]:
        """Everything up to `ends`, in the order of partitions and offsets."""
        found: list[Any] = []
        size = 0
        while any(consumer.position(at) < end for at, end in ends.items()):
            for at, fetched in consumer.poll(timeout_ms=deadline.left_s() * 1000).items():
                found += [message for message in fetched if message.offset < ends[at]]
                size += sum(_OBJECT_BYTES + len(message.key or b"") + len(message.value or b"") for message in fetched)
            if size > self.max_bytes:
                raise NoAnswer("unreadable", f"content larger than {self.max_bytes} bytes")
        return sorted(found, key=lambda message: (message.partition, message.offset))

    def _first(self, starts: dict[int, int], ends: dict[int, int]) -> dict[int, int]:
        """Where to begin. What is gone, or not there yet, is no content of the topic: it is told."""
        first = {**starts, **dict(enumerate(self.since))}
        for partition, offset in first.items():
            where = f"partition {partition} of {self.topic}"
            if partition not in starts:
                raise NoAnswer("unreadable", f"there is no {where}")
            if offset < starts[partition]:
                told = f"{where} begins at offset {starts[partition]}: what was there since {offset} is gone"
                raise NoAnswer("unreadable", told)
            if offset > ends[partition]:
                raise NoAnswer("unreadable", f"{where} ends at offset {ends[partition]}, before {offset}")
        return first

    def describe(self) -> str:
        """The topic and where it is."""
        return Redactor()(f"{self.topic} since {list(self.since) or 'its beginning'} in {self.dsn}")


@plain("probe.topic_content")
class TopicContent(Conditions):
    """All messages of a topic of Kafka since the offsets `since` (of partition 0, 1, …; without, from where it begins)
    as JSON text, for final states that a check reads: a list of objects with `partition`, `offset`, `key` and `value`.

    Unreadable where a part of it is gone by now; `absent` where there is no such topic.
    """

    topic: str
    since: tuple[int, ...] = ()
    service: str = "kafka"
    name: str = ""
    dsn: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"content of {self.topic} in {self.service}")

    def bind(self, target: Target) -> Self:
        """The probe with the service's dsn."""
        return replace(self, dsn=self.dsn or kafka_dsn(target, self.service))

    def endpoint(self) -> KafkaContent:
        """The topic."""
        return KafkaContent(self.dsn, self.topic, self.since)

    def pick(self, answer: Answer) -> Picked:
        """The messages; none of them is an empty list, which is a value."""
        if answer.body is None:
            return "absent", None, answer.note
        listed = [
            {"partition": one.partition, "offset": one.offset, "key": _text(one.key), "value": _text(one.value)}
            for one in answer.body
        ]
        return "value", json.dumps(listed, separators=(",", ":"), ensure_ascii=False), ""


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "backslashreplace")
