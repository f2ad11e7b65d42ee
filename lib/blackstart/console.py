"""What a run says, a log of facts, one line per event, UTC first; and what it asks, where somebody can answer."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable
from typing import TextIO

from blackstart import clock
from blackstart.errors import Refused

_COLOURS = {"held": "32", "broke": "31", "not-restored": "41;37", "inconclusive": "33", "refused": "33"}


class Console:
    """The one way out to people. Interactive only on a terminal; without one, NONINTERACTIVE must say so."""

    def __init__(
        self,
        noninteractive: bool,
        scrub: Callable[[str], str] = lambda text: text,
        out: TextIO | None = None,
        source: TextIO | None = None,
    ) -> None:
        self._out = out or sys.stdout
        self._in = source or sys.stdin
        self._terminal = _is_terminal(self._out)
        self._progress_width = 0
        self._progress_at_s = 0.0
        self._scrub = scrub
        self.interactive = not noninteractive
        if self.interactive and not (self._terminal and _is_terminal(self._in)):
            raise Refused("there is no terminal to ask on. Set NONINTERACTIVE=1 to run without questions.")

    def say(self, text: str) -> None:
        """One fact, with the time."""
        for line in self._scrub(text).splitlines() or [""]:
            self._write(f"{clock.utc_iso()[11:23]}Z  {line}")

    def plain(self, text: str) -> None:
        """A table or a closing line, as it is."""
        for line in self._scrub(text).splitlines():
            self._write(line)

    def verdict(self, word: str, text: str) -> None:
        """The verdict, coloured on a terminal."""
        colour = _COLOURS.get(word) if self._terminal else None
        self._write(f"\x1b[{colour}m{self._scrub(text)}\x1b[0m" if colour else self._scrub(text))

    def progress(self, text: str) -> None:
        """How a wait is going: redrawn in place on a terminal, every ten seconds as a line elsewhere."""
        if self._terminal and self.interactive:
            line = self._scrub(text)[:118]
            self._out.write(f"\r{line:<{self._progress_width}}")
            self._progress_width = len(line)
            self._out.flush()
        elif clock.now_s() - self._progress_at_s >= 10:
            self._progress_at_s = clock.now_s()
            self.say(text)

    def ask(self, question: str, within_s: float = 600.0) -> bool:
        """Whether the operator says yes. Nobody answering within the limit, or an end of input, is a no."""
        return self.line(f"{question} [y/N] ", within_s).strip().lower() in ("y", "yes")

    def line(self, prompt: str, within_s: float) -> str:
        """One line from the operator, or "" when none came in time."""
        self._clear_progress()
        self._out.write(self._scrub(prompt))
        self._out.flush()
        until_s = time.monotonic() + within_s
        while (left_s := until_s - time.monotonic()) > 0:
            ready, _, _ = select.select([self._in], [], [], min(left_s, 1.0))
            if ready:
                return self._in.readline()
        self._out.write("\n")
        return ""

    def poll_line(self) -> str | None:
        """A line that the operator has typed meanwhile, or None."""
        if not self.interactive or not select.select([self._in], [], [], 0)[0]:
            return None
        return self._in.readline() or None

    def _write(self, line: str) -> None:
        self._clear_progress()
        try:
            self._out.write(line + "\n")
            self._out.flush()
        except (BrokenPipeError, OSError):
            # The reader went away (a closed terminal, `| head`); the run must go on to its undo all the same.
            self._out = open("/dev/null", "w", encoding="utf-8")  # noqa: SIM115

    def _clear_progress(self) -> None:
        self._progress_at_s = clock.now_s()
        if self._progress_width:
            self._out.write("\r" + " " * self._progress_width + "\r")
            self._progress_width = 0


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False
