"""Once Kafka is back, what waits is replayed from a copy of the queue, and from the queue."""

import uuid
from collections.abc import Sequence
from dataclasses import replace

from blackstart_lab.shop.event import Event
from blackstart_lab.shop.events import Events
from blackstart_lab.shop.mutants import Mutant


class ReplayedTwice(Events):
    """An event has its id of when it is replayed, so that nobody knows it again."""

    def settle(self, chunk: Sequence[Event], delivered: Sequence[bool]) -> None:
        was_late = self.late
        super().settle(chunk, delivered)
        if was_late and not self.late:
            copies = [replace(event, event_id=str(uuid.uuid4())) for event in self.waiting]
            self.keep([*self.waiting, *copies])


MUTANT = Mutant(
    summary="after an outage events are replayed twice, each time under another id",
    experiment="broker-partition",
    must_fail=("events_written_once",),
    may_fail=("queue_bounded",),
    parts={"events": ReplayedTwice},
)
