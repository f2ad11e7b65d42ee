"""The toxic `limit_data`."""

from __future__ import annotations

from blackstart.proxy.attributes import Whole
from blackstart.proxy.stage import Chunk, HangUp, Stage


class LimitData(Stage):
    """Lets `bytes` bytes through, counted on each connection and in each direction, then closes the connection."""

    bytes = Whole(0, "bytes")

    def opened(self, fresh: bool) -> None:
        self._passed_bytes = 0

    def data(self, chunk: Chunk) -> None:
        rest = max(0, self.bytes - self._passed_bytes)
        if rest:
            self.emit(chunk[:rest])
        self._passed_bytes += min(rest, len(chunk))
        self.dropped_bytes += max(0, len(chunk) - rest)
        if len(chunk) >= rest:
            self.hang_up(HangUp.CLOSE)
