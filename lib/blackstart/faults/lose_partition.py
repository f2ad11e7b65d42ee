"""Lose the partitions of a topic of Kafka: the broker that has them is stopped, and the rest of the cluster goes on."""

from dataclasses import replace

from blackstart.base.codec import plain
from blackstart.base.errors import NotShown, Refused
from blackstart.base.urls.parts import Place
from blackstart.faults._service import service_under_test
from blackstart.model import protocols
from blackstart.model.change import Change
from blackstart.model.target import Target
from blackstart.probes.clients import is_here
from blackstart.probes.kafka_brokers import Brokers
from blackstart.probes.kafka_offsets import EndOffsets, kafka_dsn

_READ_WITHIN_S = 5.0


@plain("fault.lose_partition")
class LosePartition:
    """Whatever broker leads the topic's partitions when the run is planned is stopped. It bites when nobody leads them
    and another broker answers. `service` is where the cluster is asked."""

    topic: str
    service: str = "kafka"

    def plan(self, target: Target) -> tuple[Change, ...]:
        """One change. Raises NotShown where no other broker would be left, Refused where another has a copy."""
        name = self.holder(target)
        tested = service_under_test(target, name)
        tested.refuse_lost(target)
        ends = EndOffsets(self.topic, self.service, f"end of {self.topic}, led").bind(target)
        others = Brokers(self.service, "brokers left").bind(target)
        change = tested.change(
            self.describe(),
            tested.control.stop(),
            tested.control.start(),
            (*tested.down(), ends.silent(), others.at_least(1)),
        )
        return (replace(change, gone=(*change.gone, ends.answers())),)

    def holder(self, target: Target) -> str:
        """The service whose broker leads all partitions of the topic."""
        from blackstart.probes.kafka_reader import KafkaReader, leaders  # noqa: PLC0415  (declarations load no client)

        reader = KafkaReader(protocols.read_kafka(kafka_dsn(target, self.service)), leaders(self.topic))
        try:
            answer = reader.read(_READ_WITHIN_S)
        finally:
            reader.close()
        if not answer.body:
            raise Refused(f"who leads the topic {self.topic} can't be seen: {answer.note or 'there is no such topic'}")
        brokers, led, copies = answer.body["brokers"], answer.body["led"], answer.body["copies"]
        if brokers < 2:
            raise NotShown(
                f"{self.service} is a single broker: without it nobody answers, which is another fault (stop). "
                "A topic's partition can be lost where a second one goes on"
            )
        if copies > 1:
            raise NotShown(f"the topic {self.topic} has {copies} copies: another broker would lead it at once")
        if len(led) > 1:
            raise NotShown(
                f"the topic {self.topic} lies on several brokers ({', '.join(led)}): none of them has it all"
            )
        (at,) = protocols.read_kafka(led[0]).places
        known = {name: protocols.places_of(one) for name, one in target.services.items()}
        found = [name for name, places in known.items() if any(_same(at, place) for place in places)]
        if not found:
            raise Refused(
                f"the topic {self.topic} lies on the broker at {led[0]}, which is no service of {target.name}: "
                f'name it, as in [services.kafka-2] dsn = "kafka://{led[0]}", with its control'
            )
        return found[0]

    def describe(self) -> str:
        """As in "stop the broker that has the topic orders"."""
        return f"stop the broker that has the topic {self.topic}"


def _same(one: Place, other: Place) -> bool:
    return one.port == other.port and (one.host == other.host or (is_here(one.host) and is_here(other.host)))
