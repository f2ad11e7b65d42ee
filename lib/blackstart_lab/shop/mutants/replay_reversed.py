"""What has waited is replayed from the newest on."""

from collections.abc import Sequence

from blackstart_lab.shop.event import Event
from blackstart_lab.shop.events import Events
from blackstart_lab.shop.mutants import Mutant


class ReplayReversed(Events):
    """A stack, for as long as there is something to be replayed."""

    def next_chunk(self, events: Sequence[Event]) -> list[Event]:
        return super().next_chunk(list(reversed(events)) if self.missed else events)


MUTANT = Mutant(
    summary="after an outage events are replayed in reverse: what became of an order before the order itself",
    experiment="broker-partition",
    must_fail=("events_in_order",),
    parts={"events": ReplayReversed},
)
