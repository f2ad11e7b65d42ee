"""That stores and services are the shop's own, and the ones that their controls would touch.

A service says at /health/ready which database and which Redis it reaches; each is asked directly, too. Kafka shows what
the load of this run has left there.
"""

from collections.abc import Iterator

from blackstart.model.link import Proof
from blackstart.model.target import Target
from blackstart.probes.kafka_offsets import EndOffsets
from blackstart.safety.preflight.link_proofs import AllOf, Listens, SameValue, SeenIn, ServedByControl
from blackstart.suites.shop import readings as read

_OF = "-of-"
"""Between the name of a store and that of the service whose way to it this is: `redis-of-inventory-2`."""


def links(target: Target) -> tuple[Proof, ...]:
    """For each service that there is. One with a control must also be what that control would touch."""
    return tuple(_proofs(target))


def _proofs(target: Target) -> Iterator[Proof]:
    for name, service in target.services.items():
        store, _, owner = name.partition(_OF)
        seen = _seen(target, name, store, owner)
        if seen is not None:
            touched = (ServedByControl(name),) if service.control else ()
            yield AllOf(name, (*touched, seen))
        elif service.url and service.control:
            yield Listens(name)


def _seen(target: Target, name: str, store: str, owner: str) -> Proof | None:
    """What the store and the service that uses it both show; None of what is no store."""
    if store == "kafka":
        return SeenIn(name, EndOffsets(topic=read.topic(target), service=name, name=f"{name}_offsets_link").above(0))
    if store == "postgres" and (owner or "order") in target.services:
        return SameValue(name, read.database(name), read.store_of(owner or "order", "database"))
    if store == "redis" and (owner or "inventory-1") in target.services:
        return SameValue(name, read.redis(name), read.store_of(owner or "inventory-1", "redis"))
    return None
