"""What a run says, a log of facts, one line per event, UTC first; and what it asks, where somebody can answer."""

import contextlib
import os
import select
import sys
import time
from collections.abc import Callable
from typing import TextIO

from blackstart.base import clock, writer
from blackstart.base.errors import Refused
from blackstart.base.printable import one_line, printable

_COLUMNS = 80  # where a terminal does not say


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
        self.between: Callable[[], None] = lambda: None  # called while a question waits: what it raises ends the wait
        self.quiet = False
        self.interactive = not noninteractive
        if self.interactive and not (self._terminal and _is_terminal(self._in)):
            raise Refused("there is no terminal to ask on. Set NONINTERACTIVE=1 to run without questions.")

    def say(self, text: str) -> None:
        """One fact, with the time; nothing where it is to be quiet."""
        if not self.quiet:
            self._write(f"{clock.utc_iso()[11:23]}Z  {self._scrub(text)}")

    def plain(self, *lines: str) -> None:
        """Closing lines, or those of a table."""
        for line in lines:
            self._write(self._scrub(line))

    def command(self, text: str) -> None:
        """A line that is a command to the CI server, whose parts are such that they can't be another."""
        self._clear_progress()
        self._put(printable(self._scrub(text)) + "\n")

    def coloured(self, text: str, colours: str) -> None:
        """A closing line, in these colours (SGR) for an operator at a terminal."""
        colour = colours if self._terminal and self.interactive else ""
        self._clear_progress()
        line = one_line(self._scrub(text))
        self._put(f"\x1b[{colour}m{line}\x1b[0m\n" if colour else f"{line}\n")

    def progress(self, text: str) -> None:
        """How a wait is going: redrawn in place on a terminal, every ten seconds as a line elsewhere."""
        if self.quiet:
            return
        if self._terminal and self.interactive:
            # One that is wider than the terminal would leave a line behind at every redraw.
            line = one_line(self._scrub(text))[: self.columns - 1]
            self._put(f"\r{line:<{self._progress_width}}")
            self._progress_width = len(line)
        elif clock.now_s() - self._progress_at_s >= 10:
            self._progress_at_s = clock.now_s()
            self.say(text)

    def ask(self, question: str, within_s: float = 600.0) -> bool:
        """Whether the operator says yes. Nobody answering within the limit, or an end of input, is a no."""
        return self.line(f"{question} [y/N] ", within_s).strip().lower() in ("y", "yes")

    def line(self, prompt: str, within_s: float) -> str:
        """One line from the operator, or "" when none came in time."""
        self._clear_progress()
        self._put(one_line(self._scrub(prompt)))
        until_s = time.monotonic() + within_s
        while (left_s := until_s - time.monotonic()) > 0:
            ready, _, _ = select.select([self._in], [], [], min(left_s, 0.5))
            if ready:
                return self._in.readline()
            self.between()
        self._put("\n")
        return ""

    def poll_line(self) -> str | None:
        """A line that the operator has typed meanwhile, or None."""
        if not self.interactive or not select.select([self._in], [], [], 0)[0]:
            return None
        return self._in.readline() or None

    @property
    def columns(self) -> int:
        """How wide it is, in signs; 80 where nothing says so, as in a pipe."""
        try:
            return os.get_terminal_size(self._out.fileno()).columns or _COLUMNS
        except (OSError, ValueError):
            return _COLUMNS

    def _write(self, line: str) -> None:
        self._clear_progress()
        self._put(one_line(line) + "\n")

    def _clear_progress(self) -> None:
        self._progress_at_s = clock.now_s()
        if self._progress_width:
            self._put("\r" + " " * self._progress_width + "\r")
            self._progress_width = 0

    def _put(self, text: str) -> None:
        """The only way out. Whatever becomes of the reader or of the words, the run goes on to its undo."""
        try:
            writer.to(self._out).write(text)
        except (OSError, ValueError):
            # The reader went away: a closed terminal, `| head`. What Python still holds for it goes nowhere, too, or
            # it would fail at exit and spoil the exit code.
            nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
            with contextlib.suppress(OSError, ValueError):
                os.dup2(nowhere.fileno(), self._out.fileno())
            self._out = nowhere


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False
