"""Follows a log from the moment it is opened: a file across rotation, or the tail that a command prints."""

import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import BinaryIO

from blackstart.base.errors import StepFailed, StepTimedOut
from blackstart.base.sockets import Deadline, NoAnswer
from blackstart.controls.steps.local import carry_out
from blackstart.model.reading import Answer
from blackstart.model.step import Command

_BLOCK_BYTES = 256 * 1024
# A line is cut here; what a log should never have must not fill the memory.
_LINE_BYTES = 64 * 1024


def new_lines(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """What the tail `now` has beyond the earlier tail `before`: the largest overlap of the two is what was known."""
    for start in range(len(before)):
        if list(now[: len(before) - start]) == list(before[start:]):
            return list(now[len(before) - start :])
    return list(now)


class _FileLines:
    """The lines that are appended to a file after now. A file that was replaced or cut is read from its beginning."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""
        self._seen = False

    def __call__(self, deadline: Deadline) -> list[str]:
        lines: list[str] = []
        old = self._file
        if old is None or self._replaced(old):
            if old is not None:
                lines += self._read(old, deadline)  # what was written before it was replaced
                old.close()
            self._file = self._open()
        if self._file is not None:
            lines += self._read(self._file, deadline)
        return lines

    def _open(self) -> BinaryIO:
        try:
            # A pipe of that name would hold us up for ever.
            handle = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            self._seen = self._seen or isinstance(error, FileNotFoundError)
            raise NoAnswer("unreadable", f"{self._path}: {error.strerror}") from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise NoAnswer("unreadable", f"{self._path} is not a file")
        file = os.fdopen(handle, "rb", buffering=0)
        if not self._seen:
            file.seek(0, os.SEEK_END)
        self._seen, self._rest = True, b""
        return file

    def _replaced(self, file: BinaryIO) -> bool:
        held = os.fstat(file.fileno())
        if held.st_size < file.tell():
            return True
        try:
            there = os.stat(self._path)
        except OSError:
            return False  # moved away, and not there again yet: the old one may still be written to
        return (there.st_dev, there.st_ino) != (held.st_dev, held.st_ino)

    def _read(self, file: BinaryIO, deadline: Deadline) -> list[str]:
        lines: list[str] = []
        while block := file.read(_BLOCK_BYTES):
            *whole, self._rest = (self._rest + block).split(b"\n")
            lines += [line.decode("utf-8", "replace") for line in whole]
            if len(self._rest) > _LINE_BYTES:
                lines.append(self._rest[:_LINE_BYTES].decode("utf-8", "replace"))
                self._rest = b""
            deadline.left_s()
        return lines

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


# journalctl says so on stderr, and that all is well by its exit code.
_NO_JOURNAL = re.compile(r"^No journal files were (found|opened).*", re.MULTILINE)


class _CommandLines:
    """The lines that a command's tail shows beyond those that it showed at first."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._before: list[str] | None = None

    def __call__(self, deadline: Deadline) -> list[str]:
        try:
            outcome = carry_out(replace(self._command, timeout_s=deadline.left_s()))
        except StepTimedOut as error:
            raise deadline.passed() from error
        except StepFailed as error:
            raise NoAnswer("unreadable", str(error).splitlines()[0]) from error
        if unread := _NO_JOURNAL.search(outcome.stderr):
            raise NoAnswer("unreadable", unread[0])
        # docker prints what the program wrote to stderr on stderr.
        now = [*outcome.stdout.splitlines(), *outcome.stderr.splitlines()]
        before, self._before = self._before, now
        return [] if before is None else new_lines(before, now)

    def close(self) -> None:
        """Nothing is held between reads."""


class LogReader:
    """Counts the lines that match since it was opened, and keeps the last of them."""

    def __init__(self, path: str, command: Command | None, pattern: str) -> None:
        lines = _CommandLines(command) if command is not None else _FileLines(path)
        self._lines: Callable[[Deadline], list[str]] = lines
        self._give_back = lines.close
        self._found = re.compile(pattern).search
        self._count = 0
        self._last: str | None = None
        self._begin(lines)

    def _begin(self, lines: _CommandLines | _FileLines) -> None:
        """Take the place to count from now, not at the first read."""
        if isinstance(lines, _FileLines):
            try:
                lines(Deadline(1.0))
            except NoAnswer:
                return  # the first read says the same, as a reading

    def read(self, timeout_s: float) -> Answer:
        """`{"count": ..., "last": ...}` of the matching lines."""
        try:
            for line in self._lines(Deadline(timeout_s)):
                if self._found(line):
                    self._count += 1
                    self._last = line
        except NoAnswer as failure:
            return Answer(failure.kind, note=failure.note)
        return Answer("answer", {"count": self._count, "last": self._last})

    def close(self) -> None:
        """Let go of the file."""
        self._give_back()
