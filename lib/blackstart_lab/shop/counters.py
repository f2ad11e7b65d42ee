"""The series of `/metrics` of the shop's services."""

from prometheus_client import Counter, Gauge

from blackstart_lab.gateway.breaker import STATES
from blackstart_lab.series import Series


class ShopSeries(Series):
    """Of any of them; a series that a service has no use for stays at 0."""

    def __init__(self) -> None:
        super().__init__()
        kept = {"registry": self.registry}
        self.memory = Gauge("process_resident_memory_bytes", "Memory of the process", **kept)
        self.breaker = Gauge("shop_breaker_state", "1 while the breaker is in this state", ["name", "state"], **kept)
        self.orders = Counter("shop_orders", "Orders by what was answered", ["status"], **kept)
        self.pending = Gauge("shop_pending_orders", "Orders that wait for the inventory", **kept)
        self.attempts = Counter("shop_stock_attempts", "Attempts to change stock, by outcome", ["outcome"], **kept)
        self.address_age = Gauge("shop_discovery_age_seconds", "Since an address was renewed", ["name"], **kept)
        self.queued = Gauge("shop_queue_depth", "Events in the local queue", **kept)
        self.published = Counter("shop_events_published", "Events that the broker has", **kept)

    def breaker_is(self, name: str, state: str) -> None:
        """That one in this state, and in none of the others."""
        for each in STATES:
            self.breaker.labels(name, each.lower()).set(each == state)
