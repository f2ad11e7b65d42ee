"""A timer that is never early."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from blackstart.proxy.stage import NEVER


class Alarm:
    """Calls `action` once the monotonic clock has reached the time it was last set to.

    Event loops may call back early (uvloop rounds to whole milliseconds), so the clock is looked at and the timer is
    armed again where it has to be.
    """

    __slots__ = ("_action", "_at", "_handle", "_handle_at", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, action: Callable[[], None]) -> None:
        self._loop, self._action = loop, action
        self._at = self._handle_at = NEVER
        self._handle: asyncio.TimerHandle | None = None

    def set(self, at: float) -> None:
        """Ring at that time instead; NEVER means not at all."""
        self._at = at
        if at >= self._handle_at:  # the armed timer comes first: it looks at `_at` when it does
            return
        if self._handle is not None:
            self._handle.cancel()
        self._arm()

    def cancel(self) -> None:
        """Never ring again."""
        self._at = self._handle_at = NEVER
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _arm(self) -> None:
        self._handle_at = self._at
        self._handle = self._loop.call_later(max(0.0, self._at - monotonic()), self._rang)

    def _rang(self) -> None:
        self._handle, self._handle_at = None, NEVER
        if self._at == NEVER:
            return
        if monotonic() < self._at:
            self._arm()
            return
        self._at = NEVER
        self._action()
