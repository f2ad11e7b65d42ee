"""The series of the checkout's `/metrics`."""

from prometheus_client import Counter, Gauge, Histogram

from blackstart_lab.series import Series

_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 10.0)


class CheckoutSeries(Series):
    """Of an API; an outcome is `created`, `cached`, or the code of an error."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = Counter("checkout_answers", "Requests by what was answered", ["outcome"], registry=self.registry)
        self.seconds = Histogram("checkout_answer_seconds", "Time until the answer", ["outcome"],
                                 buckets=_BUCKETS_S, registry=self.registry)  # fmt: skip
        self.open = Gauge("checkout_requests_open", "Requests that wait for their answer", registry=self.registry)
