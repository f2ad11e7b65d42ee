"""Timers that are never early and hardly late.

Event loops count in whole milliseconds: asyncio's timers come up to one late, uvloop's even half of one early. On Linux
one timer of the kernel (timerfd) rings for all of ours instead; elsewhere the loop's own timer does, armed again where
the monotonic clock says that it came too early.
"""

import asyncio
import ctypes
import os
import sys
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from math import ceil
from time import monotonic
from typing import Protocol

from blackstart.proxy.stage import NEVER

_CLOCK_MONOTONIC, _ABSOLUTE = 1, 1
# So many closed timers may wait for their time before the heap is cleared of them.
_SWEEP_FROM = 1000


class Wakeup(Protocol):
    """Calls back once; a new time replaces the old one."""

    def set(self, at: float) -> None:
        """Call back at that monotonic time."""

    def close(self) -> None:
        """Never call back again."""


class LoopWakeup:
    """The event loop's own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, action: Callable[[], None]) -> None:
        self._loop, self._action = loop, action
        self._handle: asyncio.TimerHandle | None = None

    def set(self, at: float) -> None:
        self.close()
        self._handle = self._loop.call_later(max(0.0, at - monotonic()), self._action)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()


class KernelWakeup:
    """Linux's timerfd on the monotonic clock, by way of libc: Python has it from 3.13 on only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, action: Callable[[], None]) -> None:
        self._loop, self._action = loop, action
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._file: int = self._libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._file < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._spec = (ctypes.c_long * 4)()  # interval and value, each in seconds and nanoseconds
        loop.add_reader(self._file, self._rang)

    def set(self, at: float) -> None:
        self._spec[2], self._spec[3] = divmod(max(1, ceil(at * 1e9)), 1_000_000_000)
        self._libc.timerfd_settime(self._file, _ABSOLUTE, self._spec, None)

    def close(self) -> None:
        if self._file >= 0:
            self._loop.remove_reader(self._file)
            os.close(self._file)
            self._file = -1

    def _rang(self) -> None:
        try:
            os.read(self._file, 8)
        except BlockingIOError:
            return  # it was set anew since
        self._action()


class TimerQueue:
    """All timers of one event loop: a heap of times, and one timer for the first of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._closed = 0
        self._armed_at = NEVER
        make: Callable[..., Wakeup] = KernelWakeup if sys.platform == "linux" else LoopWakeup
        self._wakeup = make(loop, self._ring)

    def push(self, at: float, timer: "Timer") -> None:
        """Look at that timer at that time."""
        heappush(self._heap, (at, next(self._order), timer))
        self._arm()

    def sweep(self) -> None:
        """A timer was closed: where most are, forget them, or each would stay until its time, an hour maybe."""
        self._closed += 1
        if self._closed > max(_SWEEP_FROM, len(self._heap) // 2):
            self._heap = [entry for entry in self._heap if not entry[2].closed]
            heapify(self._heap)
            self._closed = 0

    def close(self) -> None:
        """Ring no more."""
        self._heap.clear()
        self._wakeup.close()

    def _arm(self) -> None:
        first = self._heap[0][0] if self._heap else NEVER
        if first < self._armed_at:
            self._armed_at = first
            self._wakeup.set(first)

    def _ring(self) -> None:
        self._armed_at = NEVER
        now = monotonic()
        # Only what is due by now: a timer that is set meanwhile waits for the next turn, even with no delay at all.
        due: list[Timer] = []
        while self._heap and self._heap[0][0] <= now:
            due.append(heappop(self._heap)[2])
        for timer in due:
            timer.look(now)
        self._arm()


class Timer:
    """Calls `action` once the monotonic clock has reached the time it was last set to."""

    __slots__ = ("_action", "_at", "_queue", "_queued_at")

    def __init__(self, queue: TimerQueue, action: Callable[[], None]) -> None:
        self._queue = queue
        self._action: Callable[[], None] | None = action
        self._at = self._queued_at = NEVER

    def set(self, at: float) -> None:
        """Ring at that time instead; NEVER means not at all."""
        self._at = at
        if at < self._queued_at:  # else the queue looks here before that time anyway
            self._queued_at = at
            self._queue.push(at, self)

    @property
    def closed(self) -> bool:
        """Whether it never rings again."""
        return self._action is None

    def close(self) -> None:
        """Never ring again, and let go of what would have been called: a connection and all the data it held."""
        self._at, self._action = NEVER, None
        if self._queued_at < NEVER:
            self._queue.sweep()

    def look(self, now: float) -> None:
        """The queue's call: ring, or wait on."""
        if now < self._queued_at or self._action is None:
            return  # an old entry (there is another one), or a closed timer
        self._queued_at = NEVER
        if self._at <= now:
            self._at = NEVER
            self._action()
        elif self._at < NEVER:
            self.set(self._at)
