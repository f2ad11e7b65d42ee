"""The other end of the load's stdin: go, stop, and what a dead parent means."""

import asyncio
import contextlib
import json
import os
import signal
import threading
from collections.abc import Awaitable
from typing import Any

from blackstart.base.clock import now_s

_LONGEST_LINE = 4096


class Control:
    """What the parent wants. `stopping`: send no more and finish. `aborting`: end at once (no parent, SIGTERM)."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.aborting = asyncio.Event()
        self._asked = False
        self._started: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def listen(self) -> None:
        """Read the parent's lines from stdin, and take SIGTERM and SIGINT as orders to end."""
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._abort)
        # A thread on the bare descriptor works for pipes, terminals and files alike, and holds no lock at exit.
        threading.Thread(target=_read_lines, args=(loop, self._hear, self._abort), daemon=True).start()

    async def go(self) -> float | None:
        """When to start (`clock.now_s()` seconds); None where the end came first."""
        await first(asyncio.shield(self._started), self.stopping.wait())
        return self._started.result() if self._started.done() and not self.stopping.is_set() else None

    def why_ended(self) -> tuple[str, ...]:
        """Nothing where the load ended by itself or was asked to; else that somebody ended it."""
        return ("it was ended by a signal, or with its parent",) if self.aborting.is_set() and not self._asked else ()

    def _hear(self, line: str) -> None:
        word, _, rest = line.strip().partition(" ")
        if word == "go" and not self._started.done():
            try:
                self._started.set_result(float(rest) if rest else now_s())
            except ValueError:
                say("refused", message=f"go takes a time in seconds, not {rest!r}")
        elif word == "stop":
            self._asked = True
            self.stopping.set()

    def _abort(self) -> None:
        self.stopping.set()
        self.aborting.set()


async def first(*waits: Awaitable[Any]) -> None:
    """Wait for whichever comes first, and give up the others."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def say(event: str, **facts: Any) -> None:
    """One JSON line to the parent, whole and at once."""
    line = (json.dumps({"event": event, **facts}) + "\n").encode()
    with contextlib.suppress(BrokenPipeError):  # nobody is left to tell; end of stdin says so too
        while line:
            line = line[os.write(1, line) :]


def _read_lines(loop: asyncio.AbstractEventLoop, hear: Any, end: Any) -> None:
    held = b""
    with contextlib.suppress(RuntimeError):  # the loop is closed: the load is over
        while data := os.read(0, _LONGEST_LINE):
            *lines, held = (held + data).split(b"\n")
            for line in lines:
                loop.call_soon_threadsafe(hear, line.decode("utf-8", "replace"))
            held = held[-_LONGEST_LINE:]
        loop.call_soon_threadsafe(end)
