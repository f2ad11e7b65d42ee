"""Where a topic of Kafka ends, and what a group of consumers has committed of it."""

from dataclasses import replace
from typing import Any, ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.errors import BadTarget
from blackstart.base.secrets.redact import Redactor
from blackstart.base.sockets import Deadline
from blackstart.model.expect import Conditions
from blackstart.model.protocols import called, read_kafka
from blackstart.model.reading import Answer, Picked, Reader
from blackstart.model.target import Target


def kafka_dsn(target: Target, service: str) -> str:
    """The service's dsn (`kafka://...`, hosts, `env:NAME`), or one made of its address. Raises BadTarget."""
    found = target.service(service)
    if not found.dsn and not found.address:
        raise BadTarget(f'target "{target.name}": service "{service}" has no dsn, as in dsn = "kafka://localhost:9092"')
    read_kafka(found.dsn or found.address, called(found))
    return found.dsn or f"kafka://{found.address}"


@plain("endpoint.kafka_offsets")
class KafkaOffsets:
    """A topic's offsets by partition: where it `ends`, what `group`, where one is named, has `committed`, and where a
    partition `starts` of which it has committed nothing. No body where there is no such topic."""

    dsn: str
    topic: str
    group: str = ""
    least_tick_s: ClassVar[float] = 0.1
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
        # In this order: what is committed meanwhile can't make a lag of less than nothing.
        done = kafka.committed(client, partitions, self.group) if self.group else {}
        untouched = [at for at in partitions if self.group and at.partition not in done]
        starts = kafka.offsets(client, untouched, earliest=True)
        return Answer("answer", {"committed": done, "starts": starts, "ends": kafka.offsets(client, partitions)})

    def describe(self) -> str:
        """The topic, the group and where they are."""
        return Redactor()(f"offsets of {self.topic} {f'and of {self.group} ' if self.group else ''}in {self.dsn}")


@plain("probe.end_offsets")
class EndOffsets(Conditions):
    """How many messages were ever written to a topic of Kafka: the sum of its partitions' end offsets. `absent` where
    there is no such topic."""

    topic: str
    service: str = "kafka"
    name: str = ""
    dsn: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"end of {self.topic} in {self.service}")

    def bind(self, target: Target) -> Self:
        """The probe with the service's dsn."""
        return replace(self, dsn=self.dsn or kafka_dsn(target, self.service))

    def endpoint(self) -> KafkaOffsets:
        """The topic's offsets."""
        return KafkaOffsets(self.dsn, self.topic)

    def pick(self, answer: Answer) -> Picked:
        """The sum."""
        if answer.body is None:
            return "absent", None, answer.note
        return "value", sum(answer.body["ends"].values()), ""
