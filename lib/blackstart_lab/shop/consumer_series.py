"""What the event consumer's `/metrics` tells besides that of every service."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class ConsumerSeries:
    """Named as the flash sale's worker names its own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.processed = Counter("shop_events_processed", "Events written", registry=registry)
        self.known = Counter("shop_events_known", "Events that were written before", registry=registry)
        self.database_up = Gauge("shop_consumer_database_up", "1 while the database answers", registry=registry)
