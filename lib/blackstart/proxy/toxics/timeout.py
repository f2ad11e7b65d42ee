"""The toxic `timeout`."""

from blackstart.proxy.attributes import Whole
from blackstart.proxy.stage import NEVER, HangUp, Stage


class Timeout(Stage):
    """Drops all data, and closes the connection `timeout` ms after it took effect; 0 leaves it open.

    Data that comes meanwhile does not put the end off. Removing the toxic closes the connection too, as in Toxiproxy:
    bytes are missing from it.
    """

    timeout = Whole(0, "ms")

    def opened(self, fresh: bool) -> None:
        self._since = self.now()
        self.changed()

    def data(self, chunk: bytes) -> None:
        self.dropped_bytes += len(chunk)
        self.hit()

    def due(self, now: float) -> None:
        self.hang_up(HangUp.CUT)

    def changed(self) -> None:
        self.due_at = self._since + self.timeout / 1000 if self.timeout else NEVER

    def removed(self) -> None:
        self.hang_up(HangUp.CUT)
