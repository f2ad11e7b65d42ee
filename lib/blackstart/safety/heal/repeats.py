"""Says a message that comes again and again once, then every ten seconds how often it came, and at the end."""

import re
from collections.abc import Callable

from blackstart.base import clock
from blackstart.base.durations import shown

Say = Callable[[str], None]
_AGAIN_S = 10.0
_DURATION = re.compile(r"\d+(?:\.\d+)? (?:ms|s|min \d+ s)\b")


class Repeats:
    """Passes on each message that differs from the one before it, in more than a duration; counts the others.

    Call `end` when no more come. `count` is told of every one, and how often it has come.
    """

    def __init__(self, say: Say, count: Callable[[str, int], None] = lambda text, times: None) -> None:
        self._say, self._tell = say, count
        self._last: str | None = None
        self._times = 0
        self._since_s = self._said_s = 0.0

    def __call__(self, text: str) -> None:
        """One more message."""
        what = _DURATION.sub("", text)
        if what != self._last:
            self.end()
            self._last, self._times, self._since_s = what, 0, clock.now_s()
            self._said_s = self._since_s
            self._say(text)
        self._times += 1
        self._tell(text, self._times)
        if clock.now_s() - self._said_s >= _AGAIN_S:
            self._said_s = clock.now_s()
            self._say(f"{self._count()}, and it goes on: {text.partition(': ')[2] or text}")

    def end(self) -> None:
        """Say how often the last message came, if it was more than once."""
        if self._times > 1:
            self._say(self._count())
        self._last, self._times = None, 0

    def _count(self) -> str:
        return f"the same ×{self._times} in {shown(clock.now_s() - self._since_s)}"
