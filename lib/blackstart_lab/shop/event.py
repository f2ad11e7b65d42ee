"""What the shop's services tell each other: one envelope for every event."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blackstart_lab.clock import utc_now

ORDER_EVENTS = "order-events"
CREATED, CANCELLED = "OrderCreated", "OrderCancelled"
RESERVED, RESERVATION_FAILED = "InventoryReserved", "InventoryReservationFailed"


@dataclass(frozen=True)
class Event:
    """One fact, with one id however often it is told. All events of an order have its id as their `correlation_id`, and
    so one partition and one order."""

    event_type: str
    correlation_id: str
    data: Mapping[str, Any]
    source_service: str = "order"
    event_version: str = "1.0"
    event_id: str = ""
    timestamp: str = field(default_factory=utc_now)

    def __post_init__(self) -> None:
        if not self.event_id:
            of_it = f"{self.correlation_id}/{self.event_type}"
            object.__setattr__(self, "event_id", str(uuid.uuid5(uuid.NAMESPACE_OID, of_it)))

    @property
    def order_id(self) -> str:
        """Kafka's key for it."""
        return self.correlation_id

    def value(self) -> dict[str, Any]:
        """The message."""
        return {
            "event_id": self.event_id,
            "correlation_id": self.correlation_id,
            "timestamp": self.timestamp,
            "source_service": self.source_service,
            "event_version": self.event_version,
            "event_type": self.event_type,
            "data": dict(self.data),
        }
