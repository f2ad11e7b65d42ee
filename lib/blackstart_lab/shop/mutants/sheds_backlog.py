"""Of a long batch the older events are left out."""

from typing import Any

from blackstart_lab.shop.event_writer import EventWriter
from blackstart_lab.shop.mutants import Mutant

_AT_MOST = 20


class ShedsBacklog(EventWriter):
    """To keep up."""

    async def write(self, batch: list[dict[str, Any]]) -> None:
        await super().write(batch[-_AT_MOST:])


MUTANT = Mutant(
    summary="under a backlog the consumer skips the older events of each batch, and commits them",
    experiment="event-storm",
    must_fail=("every_event_written_once",),
    may_fail=("recovery_in_proportion",),
    parts={"writer": ShedsBacklog},
)
