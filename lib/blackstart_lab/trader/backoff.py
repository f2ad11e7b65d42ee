"""Growing pauses between attempts."""

import random
from collections.abc import Callable


class Backoff:
    """Yields each pause in turn, then the last one for ever, each plus 0 to `jitter_s` seconds."""

    def __init__(
        self, pauses_s: tuple[float, ...], jitter_s: float, chance: Callable[[], float] = random.random
    ) -> None:
        self._pauses_s = pauses_s
        self._jitter_s = jitter_s
        self._chance = chance
        self._next = 0

    def next_s(self) -> float:
        pause_s = self._pauses_s[min(self._next, len(self._pauses_s) - 1)]
        self._next += 1
        return pause_s + self._chance() * self._jitter_s

    def reset(self) -> None:
        self._next = 0
