"""The toxic `limit_data`."""

from blackstart.proxy.attributes import Whole
from blackstart.proxy.stage import Chunk, Ending, Stage


class LimitData(Stage):
    """Lets `bytes` bytes through, counted on each connection and in each direction, then closes the connection.

    The close comes behind these bytes: toxics that follow may still hold them, or the upstream is not reached yet.
    """

    bytes = Whole(0, "bytes")

    def opened(self, fresh: bool) -> None:
        self._passed_bytes = 0
        self._closed = False

    def data(self, chunk: Chunk) -> None:
        rest = 0 if self._closed else max(0, self.bytes - self._passed_bytes)
        if rest:
            self.emit(chunk[:rest])
        self._passed_bytes += min(rest, len(chunk))
        self.dropped_bytes += max(0, len(chunk) - rest)
        if len(chunk) >= rest and not self._closed:
            self._closed = True
            self.pass_on(Ending.CLOSE)

    def ended(self, ending: Ending) -> None:
        if not self._closed:
            self.pass_on(ending)
