"""What Kafka does not take is given up."""

from collections.abc import Sequence

from blackstart_lab.shop.event import Event
from blackstart_lab.shop.events import Events
from blackstart_lab.shop.mutants import Mutant


class EventsDropped(Events):
    """One try for each."""

    def settle(self, chunk: Sequence[Event], delivered: Sequence[bool]) -> None:
        super().settle(chunk, [True] * len(chunk))


MUTANT = Mutant(
    summary="events that the broker does not take are dropped, and their orders confirmed all the same",
    experiment="broker-partition",
    must_fail=("events_written_once",),
    may_fail=("queue_fills", "confirmed_orders_told", "events_in_order"),
    parts={"events": EventsDropped},
)
