"""The toxic `latency`."""

from collections import deque

from blackstart.proxy.attributes import OneOf, Whole
from blackstart.proxy.stage import NEVER, Ending, Holding


class Latency(Holding):
    """Delays everything, the end included, by `latency` ± `jitter` ms from its arrival; the order is kept.

    The jitter is uniform within ± `jitter`, or normal with `jitter` as its standard deviation, or exponential with
    `jitter` as the mean of what is added; no delay is less than zero. It is drawn for `each` chunk, as Toxiproxy does,
    or for each answer: what comes while something is still held has the same delay, so that an answer in several pieces
    is not delayed by the longest of several draws.
    """

    latency = Whole(0, "ms")
    jitter = Whole(0, "ms")
    distribution = OneOf("uniform", "normal", "exponential", extra=True)
    each = OneOf("chunk", "answer", extra=True)

    @property
    def capacity_bytes(self) -> int:
        """As much as Toxiproxy keeps: a long fat line has a lot under way."""
        return 32 * 1024 * 1024

    def opened(self, fresh: bool) -> None:
        self._times: deque[tuple[float, float]] = deque()  # arrival and due time of each thing held
        self._last_due = 0.0
        self._drawn_ms = 0.0

    def data(self, chunk: bytes) -> None:
        super().data(chunk)
        self._time(self.now())

    def ended(self, ending: Ending) -> None:
        super().ended(ending)
        self._time(self.now())

    def due(self, now: float) -> None:
        while self._times and self._times[0][1] <= now:
            self._times.popleft()
            self.release()
        self._plan()

    def changed(self) -> None:
        """What is under way gets the new delay, counted from its arrival like everything else."""
        arrivals = [arrival for arrival, _ in self._times]
        self._times.clear()
        self._last_due = 0.0
        for arrival in arrivals:
            self._time(arrival)
        self._plan()

    def _time(self, arrival: float) -> None:
        if not self._times or self.each == "chunk":
            self._drawn_ms = self._delay_ms()
        self._last_due = max(self._last_due, arrival + self._drawn_ms / 1000)
        self._times.append((arrival, self._last_due))
        self._plan()

    def _plan(self) -> None:
        self.due_at = self._times[0][1] if self._times else NEVER

    def _delay_ms(self) -> float:
        latency, jitter = self.latency, self.jitter
        if not jitter:
            return latency
        if self.distribution == "normal":
            return max(0.0, self.random().gauss(latency, jitter))
        if self.distribution == "exponential":
            return latency + self.random().expovariate(1 / jitter)
        return max(0.0, latency + self.random().uniform(-jitter, jitter))
