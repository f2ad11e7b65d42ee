"""SIGINT, SIGTERM and SIGHUP ask a run to end: they are noted, not obeyed on the spot, so that the undo comes first."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

from blackstart.base.errors import EndedEarly, Interrupted

_ASKED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """While entered, the first signal is kept in `first`; the handlers of before come back on leaving."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        for signum in _ASKED:
            if signum == signal.SIGHUP and signal.getsignal(signum) == signal.SIG_IGN:
                continue  # nohup: the user said that a terminal that goes away must not end it
            self._before[signum] = signal.signal(signum, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for signum, handler in self._before.items():
            # None: a handler that Python did not set, and can't set again.
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)

    def _note(self, signum: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.first is None:
            self.first = signum

    def check(self) -> None:
        """Raise Interrupted once, where it is safe to."""
        if self.first is not None:
            raise Interrupted(self.first)

    def unless_again(self, also: Callable[[], object]) -> Callable[[], None]:
        """For waits after the restoring: calls `also`, and raises EndedEarly once a further signal has come."""
        so_far = self.count

        def between() -> None:
            also()
            if self.count > so_far:
                raise EndedEarly("asked to end again")

        return between

    @property
    def exit_code(self) -> int:
        """130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP."""
        return 128 + (self.first or 0)
