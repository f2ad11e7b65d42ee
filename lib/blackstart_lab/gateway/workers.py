"""The pool of workers: how many requests are worked on at once, at most."""

import contextlib
from collections.abc import Iterator

from blackstart_lab.gateway.metrics import Metrics


class Workers:
    """A request without a free worker is refused at once: a queue would only hide that there is none."""

    def __init__(self, limit: int, metrics: Metrics) -> None:
        self.limit = limit
        self.active = 0
        self._metrics = metrics
        metrics.workers_max.set(limit)

    def are_all_taken(self) -> bool:
        return self.active >= self.limit

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """A worker for as long as the block runs."""
        self.active += 1
        self._metrics.workers(self.active)
        try:
            yield
        finally:
            self.active -= 1
            self._metrics.workers(self.active)
