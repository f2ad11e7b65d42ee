"""The toxic `slicer`."""

from typing import Any

from blackstart.proxy.attributes import Whole
from blackstart.proxy.stage import NEVER, Ending, Holding


class Slicer(Holding):
    """Cuts data into pieces of `average_size` ± `size_variation` bytes, `delay` µs apart."""

    average_size = Whole(None, "bytes", least=1)
    size_variation = Whole(0, "bytes")
    delay = Whole(0, "µs")

    @classmethod
    def check(cls, values: dict[str, Any]) -> None:
        if values["size_variation"] >= values["average_size"]:
            raise ValueError("size_variation must be less than average_size")

    def opened(self, fresh: bool) -> None:
        self._sliced_at = 0.0

    def data(self, chunk: bytes) -> None:
        super().data(chunk)
        if self.due_at == NEVER:
            self._slice(self.now())

    def ended(self, ending: Ending) -> None:
        super().ended(ending)
        if self.due_at == NEVER:
            self._slice(self.now())

    def due(self, now: float) -> None:
        if self.held:
            self._slice(now)

    def changed(self) -> None:
        if self.due_at < NEVER:
            self._plan()

    def _slice(self, now: float) -> None:
        variation = self.size_variation
        self.release(self.average_size + (self.random().randint(-variation, variation) if variation else 0))
        self._sliced_at = now
        self._plan()

    def _plan(self) -> None:
        # Also with a delay of 0 the next piece waits for the next turn: written in one turn, two would leave as one.
        self.due_at = self._sliced_at + self.delay / 1_000_000
