"""Events as they come out of Kafka."""

from typing import Any, ClassVar

from blackstart_lab.flash_sale.order_source import OrderSource
from blackstart_lab.shop.event import ORDER_EVENTS
from blackstart_lab.shop.settings import GROUP, Promise


class EventSource(OrderSource):
    """As the flash sale's worker reads orders. What is no event is left out, and told."""

    INSTANCE: ClassVar[str | None] = "event-consumer"
    # Offsets are committed for each batch: by small ones somebody sees how evenly a backlog is worked off.
    AT_MOST: ClassVar[int] = 100
    TEXTS: ClassVar[tuple[str, ...]] = ("event_id", "event_type", "correlation_id", "source_service")

    def __init__(self, address: str, promise: Promise, topic: str = ORDER_EVENTS, group: str = GROUP) -> None:
        super().__init__(address, promise, topic, group)

    def whole(self, order: dict[str, Any]) -> bool:
        """With its data."""
        return isinstance(order["data"], dict)
