"""A storm of events: messages that are handed to a topic of Kafka all at once, past whoever usually writes there."""

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.base.secrets.redact import Redactor
from blackstart.base.urls import kafka
from blackstart.loads.naming import check_name, check_prefix, new_prefix
from blackstart.loads.template import Template


@plain("load.kafka_events")
class KafkaEvents:
    """`n` messages for `topic` of the Kafka at `dsn` (`kafka://…`, hosts, `env:NAME`), due at once.

    `value` is a message, `record_key` what Kafka is to tell its partition by ("": any); both have holes as in
    `blackstart.loads.template`. A message is acknowledged once all replicas have it. Every `again_every`th is sent
    once more, with the same content, when all have been told of (0: none): Kafka promises no less than once, and
    whoever reads must bear it.
    What is not acknowledged within `timeout_s` of its sending has an unknown fate.
    """

    n: int
    topic: str
    dsn: str
    value: str
    record_key: str = "{key}"
    name: str = "events"
    op: str = "event"
    again_every: int = 0
    timeout_s: float = 30.0
    key_prefix: str = field(default_factory=new_prefix)
    seed: int = 0

    kind: ClassVar[str] = "kafka_events"

    def __post_init__(self) -> None:
        check_name(self.name)
        check_prefix(self.key_prefix)
        if not 1 <= self.n <= 1_000_000:
            raise ValueError(f"a storm has between 1 and 1000000 events, not {self.n}")
        if not self.topic or not self.op or "," in self.op:
            raise ValueError("events need a topic, and a name (op) without commas")
        if self.again_every < 0:
            raise ValueError(f"again_every must not be below 0, as {self.again_every} is")
        if not 1 <= self.timeout_s <= 3600:
            raise ValueError(f"timeout_s must be between 1 and 3600, not {self.timeout_s}")
        for text in (self.value, self.record_key):
            Template(text)
        if not self.dsn.startswith("env:"):
            try:
                kafka.read(self.dsn)
            except ValueError as error:
                raise ValueError(f"the dsn of the events {Redactor()(str(error))}") from None

    @property
    def says(self) -> str:
        """How many, where, and how many of them come again."""
        again = f", one in {self.again_every} of them twice" if self.again_every else ""
        return f"{self.n} events at once to the topic {self.topic}{again}"

    def at(self, base_url: str, headers: Mapping[str, str] | None = None) -> Self:
        """The same: it is not sent to the target's API."""
        return dataclasses.replace(self)
