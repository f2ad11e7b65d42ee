"""What a run says, a log of facts, one line per event, UTC first; and what it asks, where somebody can answer."""

import contextlib
import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TextIO

from blackstart.base import clock, live, writer
from blackstart.base.errors import Refused
from blackstart.base.printable import one_line, printable, wrapped

Rows = Callable[[], Iterable[live.Row]]

_INDENT = " " * len("12:00:00.000Z  ")
_PROGRESS_EVERY_S = 10.0
# A step that hangs lets no progress be told: somewhat later, what goes on is said all the same.
_SILENT_S = 12.0


def _no_rows() -> Iterable[live.Row]:
    return ()


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
        self._lock = threading.RLock()  # the block is drawn by a thread of its own
        self._block: live.Block | None = None
        self._rows: Rows = _no_rows
        self._asking = self._shared = False
        self._typed: deque[str] = deque()
        self._progress_at_s = 0.0
        self._silent_since_s = time.monotonic()
        self._scrub = scrub
        self.between: Callable[[], None] = lambda: None  # called while a question waits: what it raises ends the wait
        self.quiet = False
        self.interactive = not noninteractive
        if self.interactive and not (self._terminal and _is_terminal(self._in)):
            raise Refused("there is no terminal to ask on. Set NONINTERACTIVE=1 to run without questions.")

    def say(self, text: str) -> None:
        """One fact, with the time; nothing where it is to be quiet."""
        if not self.quiet:
            self._above(f"{clock.utc_iso()[11:23]}Z  {self._scrub(text)}")

    def plain(self, *lines: str) -> None:
        """Closing lines, or those of a table."""
        for line in lines:
            self._last(one_line(self._scrub(line)))

    def command(self, text: str) -> None:
        """A line that is a command to the CI server, whose parts are such that they can't be another."""
        self._last(printable(self._scrub(text)))

    def coloured(self, text: str, colours: str) -> None:
        """A closing line, in these colours (SGR) for an operator at a terminal."""
        line = one_line(self._scrub(text))
        coloured = self._terminal and self.interactive and colours and live.may_colour(os.environ)
        self._last(f"\x1b[{colours}m{line}\x1b[0m" if coloured else line)

    def progress(self, text: str) -> None:
        """How a wait is going, as a line every ten seconds, where no block tells it."""
        if self._block is None and not self.quiet and clock.now_s() - self._progress_at_s >= _PROGRESS_EVERY_S:
            self.say(text)

    @contextlib.contextmanager
    def live(self, rows: Rows) -> Iterator[None]:
        """What goes on stands below the lines, until it is left or the closing lines begin: on a terminal whose
        operator is asked, drawn four times a second at most. Elsewhere its heading is a line once nothing else was said
        for twelve seconds: what is silent is taken for hung. One that is entered within another takes its place. `rows`
        is called in a thread of its own, and no line waits for it."""
        before, self._rows = self._rows, rows
        own = self._block is None and self._draws()
        ended = threading.Event()
        if own:
            self._block = live.Block()
        if own or before is _no_rows:
            threading.Thread(target=self._keep_drawing, args=(ended,), name="live block", daemon=True).start()
        try:
            yield
        finally:
            self._rows = before
            ended.set()
            if own:
                self._end_block()

    def share(self) -> None:
        """Others write to this terminal from now on, as a guardian that tells of what is still broken: a block would be
        drawn over their lines, and there is none any more."""
        self._shared = True
        self._end_block()

    def ask(self, question: str, within_s: float = 600.0) -> bool:
        """Whether the operator says yes. Nobody answering within the limit, or an end of input, is a no."""
        return self.line(f"{question} [y/N] ", within_s).strip().lower() in ("y", "yes")

    def line(self, prompt: str, within_s: float) -> str:
        """One line from the operator, or "" when none came in time."""
        with self._lock:
            self._asking = True
            self._put(self._wiped() + self._fit(prompt))
            if self._typed:  # it was meant for nothing that was shown, and this is the next that asks
                self._asking = False
                self._put(f"{one_line(self._typed[0].rstrip())}\n")
                return self._typed.popleft()
        try:
            until_s = time.monotonic() + within_s
            while (left_s := until_s - time.monotonic()) > 0:
                ready, _, _ = select.select([self._in], [], [], min(left_s, 0.5))
                if ready:
                    return self._in.readline()
                self.between()
            self._put("\n")
            return ""
        except BaseException:  # as Ctrl-C: what is told of it does not stand behind the question
            self._put("\n")
            raise
        finally:
            self._asking = False

    def poll_line(self) -> str | None:
        """A line that the operator has typed meanwhile, or None."""
        if self._typed:
            return self._typed.popleft()
        if not self.interactive or self._block or not select.select([self._in], [], [], 0)[0]:
            return None
        return self._in.readline() or None

    @property
    def columns(self) -> int:
        """How wide it is, in signs; 80 where nothing says so, as in a pipe."""
        return writer.size(self._out).columns or writer.COLUMNS

    @property
    def lines(self) -> int:
        """How high it is, in lines; 24 where nothing says so."""
        return writer.size(self._out).lines or writer.LINES

    def _above(self, line: str) -> None:
        """A line that stays, above the block; where nobody takes what is written, the block comes later."""
        self._progress_at_s = clock.now_s()
        with self._lock:
            told = f"{self._wiped()}{self._broken(one_line(line))}\n"
            again = self._block is not None and not self._asking and self._all_taken()
            self._put(told + (self._block.again() if self._block and again else ""))

    def _last(self, line: str) -> None:
        self._end_block()
        self._put(f"{line}\n")

    def _broken(self, line: str) -> str:
        """A line for an operator, broken between words where it is too long for the terminal. What names a path is
        left as it is: it may have to be copied."""
        if not (self._terminal and self.interactive) or len(line) <= self.columns or " /" in line:
            return line
        return "\n".join(wrapped(line, self.columns, _INDENT))

    # ------------------------------------------------------------ the block

    def _draws(self) -> bool:
        wanted = self._terminal and self.interactive and not (self.quiet or self._shared)
        return wanted and live.can_draw(os.environ, self._out.encoding)

    def _keep_drawing(self, ended: threading.Event) -> None:
        while not ended.wait(live.EVERY_S):
            try:
                self._draw()
            except Exception as error:  # whatever is wrong with it, the run goes on
                self._end_block()
                self.say(f"what goes on can't be shown: {type(error).__name__}: {error}")
                return

    def _draw(self) -> None:
        if self._block is None:
            self._go_on()
            return
        rows = [replace(row, label=self._fit(row.label), text=self._fit(row.text)) for row in self._rows()]
        with self._lock:
            if self._block is None or self._asking:
                return
            if select.select([self._in], [], [], 0)[0] and (typed := self._in.readline()):
                self._typed.append(typed)
                self._block.typed(typed, self.columns)
            if self._all_taken():
                self._put(self._block.drawn(rows, self.columns, self.lines))

    def _go_on(self) -> None:
        """Say what goes on, where there is no block and nothing was said for long."""
        if not self._asking and time.monotonic() - self._silent_since_s >= _SILENT_S:
            for row in list(self._rows())[:1]:
                self.say(f"still: {row.label}")

    def _all_taken(self) -> bool:
        """Whether nothing waits for its reader: a block that is drawn for nobody would only push lines out."""
        try:
            return writer.to(self._out).drain(0.0)
        except (OSError, ValueError):
            return False  # the reader went away, as whatever is written next finds out

    def _fit(self, text: str) -> str:
        return one_line(self._scrub(text))

    def _wiped(self) -> str:
        return self._block.wiped() if self._block else ""

    def _end_block(self) -> None:
        with self._lock:
            if self._block is not None:
                self._put(self._wiped())
                self._block = None

    def _put(self, text: str) -> None:
        """The only way out. Whatever becomes of the reader or of the words, the run goes on to its undo."""
        self._silent_since_s = time.monotonic()
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
