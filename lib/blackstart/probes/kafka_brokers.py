"""How many brokers of a cluster of Kafka answer."""

from dataclasses import replace
from functools import partial
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.secrets.redact import Redactor
from blackstart.model.protocols import read_kafka
from blackstart.model.reading import Reader
from blackstart.model.target import Target
from blackstart.probes.kafka_offsets import kafka_dsn
from blackstart.probes.mixed_in import AsAnswered


@plain("endpoint.kafka_brokers")
class KafkaBrokers:
    """Each broker that the cluster knows, asked itself."""

    dsn: str
    least_tick_s: ClassVar[float] = 0.5
    loads: ClassVar[tuple[str, ...]] = ("blackstart.probes.kafka_reader",)

    def open(self) -> Reader:
        """A reader that keeps its connection. Raises BadTarget for a missing variable."""
        from blackstart.probes.kafka_reader import KafkaReader, answering  # noqa: PLC0415  (declarations load no client)

        kafka = read_kafka(self.dsn)
        return KafkaReader(kafka, partial(answering, tls=kafka.context()))

    def describe(self) -> str:
        """Where the cluster is."""
        return Redactor()(f"brokers of {self.dsn}")


@plain("probe.kafka_brokers")
class Brokers(AsAnswered):
    """How many brokers of a cluster of Kafka answer, each asked itself, by the cluster's own list of them."""

    service: str = "kafka"
    name: str = ""
    dsn: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"brokers of {self.service}")

    def bind(self, target: Target) -> Self:
        """The probe with the service's dsn."""
        return replace(self, dsn=self.dsn or kafka_dsn(target, self.service))

    def endpoint(self) -> KafkaBrokers:
        """The brokers."""
        return KafkaBrokers(self.dsn)
