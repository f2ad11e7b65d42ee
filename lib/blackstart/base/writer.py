"""Writing to people without ever waiting for them: a terminal stopped by Ctrl-S must not hold up an undo.

What nobody takes is kept for later, up to a limit; beyond it lines are dropped, and it is said how many. The evidence
has them all.
"""

import atexit
import contextlib
import os
import select
import stat
import sys
import weakref
from typing import TextIO

from blackstart.base import clock
from blackstart.base.errors import Refused
from blackstart.base.printable import lines, one_line, printable, wrapped

_PATIENCE_S = 0.2  # so long a slow reader is waited for, once, before it is taken for one that does not read
_AT_THE_END_S = 10.0
_KEPT_BYTES = 256 * 1024
COLUMNS, LINES = 80, 24  # where a terminal does not say
_CHUNK_BYTES = 512  # what a pipe or a terminal that has any room takes at once


class NonBlockingWriter:
    """One stream. A file, or what is no file at all, is written to as usual."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._handle, self._own = _handle(stream)
        self._kept = b""
        self._dropped = 0
        self._stuck = False

    def write(self, text: str) -> None:
        """Write it, or keep it. Raises OSError, ValueError where the reader is gone."""
        if self._handle < 0:
            _write_through(self._stream, text)
            return
        data = text.encode(self._stream.encoding or "utf-8", "backslashreplace")
        if len(self._kept) + len(data) > _KEPT_BYTES:
            self._dropped += 1
        else:
            self._kept += data
        self.drain(0.0 if self._stuck else _PATIENCE_S)

    def drain(self, within_s: float) -> bool:
        """Write what is kept; whether all of it is out within that time. Raises OSError where the reader is gone."""
        until_s = clock.now_s() + within_s
        while self._kept or self._dropped:
            if not self._kept:
                self._kept = f"... {self._dropped} lines were not shown, since nobody took them\n".encode()
                self._dropped = 0
            if not _takes(self._handle, until_s - clock.now_s()):
                self._stuck = True
                return False
            with contextlib.suppress(BlockingIOError):
                self._kept = self._kept[os.write(self._handle, self._kept[:_CHUNK_BYTES]) :]
        self._stuck = False
        return True

    def at_exit(self) -> None:
        """The last chance for what was kept."""
        with contextlib.suppress(OSError):
            self.drain(_AT_THE_END_S)
        if self._own:
            os.close(self._handle)
            self._own, self._handle = False, -1


_writers: weakref.WeakKeyDictionary[TextIO, NonBlockingWriter] = weakref.WeakKeyDictionary()


def to(stream: TextIO) -> NonBlockingWriter:
    """The one writer of a stream."""
    if stream not in _writers:
        made = _writers[stream] = NonBlockingWriter(stream)
        atexit.register(made.at_exit)
    return _writers[stream]


def line(text: str) -> None:
    """One line to standard output."""
    with contextlib.suppress(OSError, ValueError):
        to(sys.stdout).write(f"{one_line(text)}\n")


def error(text: str) -> None:
    """One line to standard error."""
    with contextlib.suppress(OSError, ValueError):
        print(one_line(text), file=sys.stderr, flush=True)


def command(text: str) -> None:
    """A line that is a command to the CI server, whose parts are such that they can't be another."""
    with contextlib.suppress(OSError, ValueError):
        print(printable(text), file=sys.stderr, flush=True)


def prose(text: str) -> None:
    """One text to standard error, broken between words where that is a terminal."""
    columns = size(sys.stderr).columns
    for part in wrapped(one_line(text), columns, "    ") if columns else [text]:
        error(part)


def size(stream: TextIO | None) -> os.terminal_size:
    """Of the terminal that a stream is, in signs; (0, 0) where it is none."""
    try:
        return os.get_terminal_size(stream.fileno() if stream else -1)
    except (OSError, ValueError):
        return os.terminal_size((0, 0))


def columns() -> int:
    """How wide standard output is, in signs; as most terminals are where nothing says so, as in a pipe."""
    return size(sys.stdout).columns or COLUMNS


def page(*texts: str) -> None:
    """What is read at leisure, while nothing is broken, each text one line: waits for its reader, and is quiet where
    there is none left.

    Raises Refused where it can't be written, as on a full disk: what was asked for is then not there.
    """
    if sys.stdout is None:
        return
    try:
        with contextlib.suppress(BrokenPipeError):
            _write_through(sys.stdout, f"{lines(texts)}\n")
        flush()
    except OSError as error:
        raise Refused(f"standard output can't be written: {error.strerror}") from error


def flush() -> None:
    """Write what Python still holds for standard output; after `| head` to nowhere, or it would fail at exit."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.suppress(OSError, ValueError):
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _handle(stream: TextIO) -> tuple[int, bool]:
    """What to write to without waiting, and whether it is ours alone; -1 where nothing can make us wait.

    It is opened anew: to make the one that we were given non-blocking would make it so for everybody who shares it.
    """
    try:
        handle = stream.fileno()
        kind = os.fstat(handle).st_mode
    except (OSError, ValueError):
        return -1, False
    if stat.S_ISREG(kind):
        return -1, False
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    for path in (f"/proc/self/fd/{handle}", os.ttyname(handle) if os.isatty(handle) else ""):
        with contextlib.suppress(OSError):
            return os.open(path, flags), True
    return handle, False  # asked each time whether it takes anything, which is right but for an instant


def _takes(handle: int, within_s: float) -> bool:
    poll = select.poll()
    poll.register(handle, select.POLLOUT)
    return bool(poll.poll(max(0.0, within_s) * 1000))


def _write_through(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:  # a terminal or a log that is not UTF-8
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()
