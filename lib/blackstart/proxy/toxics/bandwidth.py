"""The toxic `bandwidth`."""

from dataclasses import dataclass

from blackstart.proxy.attributes import OneOf, Whole
from blackstart.proxy.stage import NEVER, Ending, Holding

# Data is cut into what the line carries in this time, so that a slow line trickles instead of bursting.
SLICE_S = 0.02


@dataclass
class Line:
    """When a line will have sent all that was handed to it."""

    free_at: float = 0.0


class Bandwidth(Holding):
    """Lets `rate` × 1000 bytes through per second: on each connection, or (`scope: "proxy"`) on all of them together.

    A rate of 0 lets nothing through until it is changed or removed.
    """

    rate = Whole(0, "1000 bytes/s", most=10**9)
    scope = OneOf("connection", "proxy", extra=True)

    @property
    def capacity_bytes(self) -> int:
        """Enough that the line never runs dry between two wake-ups."""
        return max(64 * 1024, int(self.rate * 1000 * 5 * SLICE_S))

    def opened(self, fresh: bool) -> None:
        self._own = Line()
        self._slice_bytes = 0

    def data(self, chunk: bytes) -> None:
        super().data(chunk)
        if len(self.held) == 1:
            self._plan(self.now())

    def ended(self, ending: Ending) -> None:
        super().ended(ending)
        if len(self.held) == 1:
            self.release()

    def due(self, now: float) -> None:
        self.release(self._slice_bytes)
        while self.held and isinstance(self.held[0], Ending):
            self.release()
        # The line was busy until `free_at`; that we woke up later does not make it slower.
        self._plan(self._line().free_at)

    def changed(self) -> None:
        self._own = Line()
        self._plan(self.now())

    def _line(self) -> Line:
        if self.scope == "connection":
            return self._own
        line: Line = self.toxic.shared.setdefault((self.direction, self.rate), Line())
        return line

    def _plan(self, start: float) -> None:
        bytes_per_s = self.rate * 1000
        if not self.held or isinstance(self.held[0], Ending) or not bytes_per_s:
            self.due_at = NEVER
            return
        line = self._line()
        self._slice_bytes = min(len(self.held[0]), max(1, int(bytes_per_s * SLICE_S)))
        line.free_at = max(start, line.free_at) + self._slice_bytes / bytes_per_s
        self.due_at = line.free_at
