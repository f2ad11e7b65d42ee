"""How far a group of consumers has come in a topic of Kafka, and is behind its end, whether or not it has members."""

from dataclasses import replace
from typing import Self

from blackstart.base.codec import plain
from blackstart.model.expect import Conditions
from blackstart.model.reading import Answer, Picked
from blackstart.model.target import Target
from blackstart.probes.kafka_offsets import KafkaOffsets, kafka_dsn


@plain("probe.consumer_lag")
class ConsumerLag(Conditions):
    """How many messages of a topic of Kafka wait for a group of consumers, by what the group has committed; of a
    partition of which it has committed nothing, all that are there. A group needs no members for that. `absent` where
    there is no such topic; unreadable where more is committed than was ever written, as after a loss.
    """

    group: str
    topic: str
    service: str = "kafka"
    name: str = ""
    dsn: str = ""

    def __post_init__(self) -> None:
        if not self.group:
            raise ValueError("a lag is that of a group: it must have a name")
        object.__setattr__(self, "name", self.name or f"lag of {self.group} on {self.topic} in {self.service}")

    def bind(self, target: Target) -> Self:
        """The probe with the service's dsn."""
        return replace(self, dsn=self.dsn or kafka_dsn(target, self.service))

    def endpoint(self) -> KafkaOffsets:
        """The offsets of topic and group."""
        return KafkaOffsets(self.dsn, self.topic, self.group)

    def pick(self, answer: Answer) -> Picked:
        """The sum over all partitions."""
        if answer.body is None:
            return "absent", None, answer.note
        committed, starts, ends = (answer.body[part] for part in ("committed", "starts", "ends"))
        for partition, done in committed.items():
            if done > ends[partition]:
                told = f"{self.group} has committed {done} of partition {partition}, which ends at {ends[partition]}"
                return "unreadable", None, told
        note = "" if committed else f"group {self.group} has committed nothing"
        first_unread = {**starts, **committed}
        return "value", sum(end - first_unread[at] for at, end in ends.items()), note


@plain("probe.committed_offsets")
class CommittedOffsets(ConsumerLag):
    """How many messages of a topic of Kafka a group of consumers has told to be done, since there is the topic. One
    that stands still while orders are placed is not the group, or not the topic, that they go through."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"done by {self.group} of {self.topic} in {self.service}")
        super().__post_init__()

    def pick(self, answer: Answer) -> Picked:
        """The sum over all partitions."""
        if answer.body is None:
            return "absent", None, answer.note
        return "value", sum(answer.body["committed"].values()), ""
