"""Says a message that comes again and again once, and then how often it came."""

from __future__ import annotations

from collections.abc import Callable

from blackstart import clock
from blackstart.durations import shown

Say = Callable[[str], None]


class Repeats:
    """Passes on each message that differs from the one before it; counts the others. Call `end` when no more come."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._text: str | None = None
        self._times = 0
        self._since_s = 0.0

    def __call__(self, text: str) -> None:
        """One more message."""
        if text != self._text:
            self.end()
            self._text, self._times, self._since_s = text, 0, clock.now_s()
            self._say(text)
        self._times += 1

    def end(self) -> None:
        """Say how often the last message came, if it was more than once."""
        if self._times > 1:
            self._say(f"the same ×{self._times} in {shown(clock.now_s() - self._since_s)}")
        self._text, self._times = None, 0
