"""That stores and processes are the flash sale's own, and the ones that their controls would touch.

What the load has left there proves it: a stock that has fallen, rows of our users, a topic that grows.
"""

from blackstart.model.link import Proof
from blackstart.model.target import Target
from blackstart.probes.kafka_offsets import EndOffsets
from blackstart.safety.preflight.link_proofs import AllOf, Listens, SeenIn, ServedByControl
from blackstart.suites.flash_sale import readings as read


def links(target: Target, prefix: str = "", product: str = "", quantity: int = 0) -> tuple[Proof, ...]:
    """By what the load of this run has left; without one, by who listens at a service's own url alone."""
    proofs: list[Proof] = [Listens(name) for name, one in target.services.items() if one.url and one.control]
    if not prefix:
        return tuple(proofs)
    left = {
        "redis": read.redis_stock(product, "stock_link").below(quantity),
        "postgres": read.placed(prefix).above(0),
        "kafka": EndOffsets(topic=read.topic(target), name="offsets_link").above(0),
    }
    for name in read.brokers(target)[1:]:
        left[name] = EndOffsets(topic=read.topic(target), service=name, name=f"{name}_offsets_link").above(0)
    for name, seen in left.items():
        if name in target.services:
            own = (ServedByControl(name),) if target.services[name].control else ()
            proofs.append(AllOf(name, (*own, SeenIn(name, seen))))
    return tuple(proofs)
