"""The toxic `slow_close`."""

from blackstart.proxy.attributes import Whole
from blackstart.proxy.stage import Ending, Holding


class SlowClose(Holding):
    """Passes data at once and the end of it `delay` ms later."""

    delay = Whole(0, "ms")

    def opened(self, fresh: bool) -> None:
        self._ended_at = 0.0

    def data(self, chunk: bytes) -> None:
        self.emit(chunk)

    def ended(self, ending: Ending) -> None:
        super().ended(ending)
        self._ended_at = self.now()
        self.changed()

    def due(self, now: float) -> None:
        self.release()

    def changed(self) -> None:
        if self.held:
            self.due_at = self._ended_at + self.delay / 1000
