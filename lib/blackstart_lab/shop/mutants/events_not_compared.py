"""No event is known again."""

from blackstart_lab.shop.mutants import Mutant
from blackstart_lab.shop.written_events import WrittenEvents


class EventsNotCompared(WrittenEvents):
    """A table without a key takes whatever comes."""

    SCHEMA = WrittenEvents.SCHEMA.replace("event_id text PRIMARY KEY", "event_id text NOT NULL")
    WRITE = WrittenEvents.WRITE.replace("ON CONFLICT (event_id) DO NOTHING ", "")


MUTANT = Mutant(
    summary="an event that comes twice is written twice",
    experiment="event-storm",
    must_fail=("every_event_written_once", "repeated_events_written_once"),
    parts={"written": EventsNotCompared},
)
