"""Whether a broker of Kafka answers, asked as its clients begin: which requests it takes. Needs no login."""

from dataclasses import replace
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.sockets import Deadline
from blackstart.model.reading import Answer, Reader
from blackstart.model.target import Target
from blackstart.probes.mixed_in import AsAnswered
from blackstart.probes.tcp import service_address
from blackstart.probes.visitor import Visitor


class _PingReader(Visitor):
    def _visit(self, deadline: Deadline, timeout_s: float) -> Answer:
        from blackstart.probes.kafka_hello import knock  # noqa: PLC0415  (declarations load no client)

        knock(self._host, self._port, deadline, None)
        return Answer("answer", "answers")


@plain("endpoint.kafka_ping")
class KafkaPinged:
    """The first words with the broker at `host:port`, over a connection of their own."""

    address: str
    least_tick_s: ClassVar[float] = 0.1
    loads: ClassVar[tuple[str, ...]] = ("blackstart.probes.kafka_hello",)

    def open(self) -> Reader:
        """A reader; it holds nothing between reads."""
        return _PingReader(self.address)

    def describe(self) -> str:
        """`ping kafka localhost:9092`."""
        return f"ping kafka {self.address}"


@plain("probe.kafka_ping")
class KafkaPing(AsAnswered):
    """`answers` where a broker of Kafka does, on a listener without TLS. A frozen one is `timed_out`."""

    service: str = "kafka"
    address: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"ping of {self.service}")

    def bind(self, target: Target) -> Self:
        """The probe with the service's address."""
        return replace(self, address=self.address or service_address(target, self.service))

    def endpoint(self) -> KafkaPinged:
        """The ping."""
        return KafkaPinged(self.address)
