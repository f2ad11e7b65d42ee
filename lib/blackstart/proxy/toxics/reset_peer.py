"""The toxic `reset_peer`."""

from blackstart.proxy.attributes import Whole
from blackstart.proxy.stage import Ending, HangUp, Stage


class ResetPeer(Stage):
    """Resets the connection (RST to both ends) `timeout` ms after it took effect, idle or not; 0 resets at once.

    Until then data is dropped, so that a request that is waiting for its answer fails; and so is the end of it, which
    would make of an answer that was dropped an empty one. Removing the toxic lets a connection live from which nothing
    was dropped.
    """

    timeout = Whole(0, "ms")

    def opened(self, fresh: bool) -> None:
        self._since = self.now()
        self._end: Ending | None = None
        self.changed()

    def data(self, chunk: bytes) -> None:
        self.dropped_bytes += len(chunk)
        self.hit()

    def ended(self, ending: Ending) -> None:
        if ending is Ending.RESET:
            self.pass_on(ending)
        else:
            self._end = ending

    def due(self, now: float) -> None:
        self.hang_up(HangUp.RESET)

    def changed(self) -> None:
        self.due_at = self._since + self.timeout / 1000
        if self.due_at <= self.now():
            self.hang_up(HangUp.RESET)

    def removed(self) -> None:
        if self.dropped_bytes:
            self.hang_up(HangUp.RESET)
        elif self._end is not None:
            self.pass_on(self._end)
