"""The consumer's loop: events out of Kafka, written a few at a time, and only then their offsets."""

from dataclasses import dataclass
from typing import Any

from blackstart_lab.event_log import EventLog
from blackstart_lab.flash_sale.inventory import Inventory
from blackstart_lab.shop.consumer_series import ConsumerSeries
from blackstart_lab.shop.event_source import EventSource
from blackstart_lab.shop.written_events import WrittenEvents

_AT_ONCE = 10


@dataclass
class EventWriter(Inventory):
    """As the flash sale's worker does it: whatever is down is waited for, and what was not written is read again."""

    source: EventSource
    ledger: WrittenEvents
    series: ConsumerSeries
    events: EventLog
    database_is_up: bool = False

    async def write(self, batch: list[dict[str, Any]]) -> None:
        """Some at a time, in their order. One that comes a second time is known by its id, and changes nothing."""
        for at in range(0, len(batch), _AT_ONCE):
            some = batch[at : at + _AT_ONCE]
            new = await self.ledger.write(some)
            self.series.processed.inc(new)
            self.series.known.inc(len(some) - new)
