"""The series of `/metrics`, of the APIs and of the worker."""

from prometheus_client import Counter, Gauge, Histogram

from blackstart_lab.series import Series

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_STATUSES = ("success", "ignored", "redirected", "sold_out", "error", "invalid")


class ApiSeries(Series):
    """Of an API."""

    def __init__(self) -> None:
        super().__init__()
        orders = Counter("flash_sale_orders", "Orders by what was answered", ["status"], registry=self.registry)
        self.orders = {status: orders.labels(status) for status in _STATUSES}
        seconds = Histogram("flash_sale_order_seconds", "Time until the answer", ["status"],
                            buckets=_BUCKETS_S, registry=self.registry)  # fmt: skip
        self.seconds = {status: seconds.labels(status) for status in _STATUSES}


class WorkerSeries(Series):
    """Of the worker."""

    def __init__(self) -> None:
        super().__init__()
        self.processed = Counter("flash_sale_processed", "Orders written", registry=self.registry)
        self.known = Counter("flash_sale_known", "Orders that were there before", registry=self.registry)
        self.refused = Counter("flash_sale_refused", "Orders without stock or of another sale", registry=self.registry)
        self.database_up = Gauge("flash_sale_database_up", "1 while the database answers", registry=self.registry)
