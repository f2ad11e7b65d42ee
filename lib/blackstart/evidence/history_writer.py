"""Writes a history: every request is one row, on disk the moment its fate is known.

Each row is one `write` to a file opened for appending, so that several processes share a history, and a kill tears the
last line at most.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Self

from blackstart.evidence.history import COLUMNS, Row
from blackstart.evidence.history_file import HEADER


class HistoryWriter:
    """Appends rows to a history, each with one write. Raises OSError when the disk takes no more.

    `redact` is applied to the texts that come from outside (operation, instance, detail), never to keys: the checks
    need those as they are.
    """

    def __init__(self, path: Path, redact: Callable[[str], str] | None = None) -> None:
        self.path = path
        self._redact = redact
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_CREAT | os.O_RDWR | os.O_APPEND, 0o644)
        # Several writers may open at once: only the first writes the header.
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            size = os.fstat(self._fd).st_size
            if not size:
                self._write(HEADER + "\n")
            elif os.pread(self._fd, 1, size - 1) != b"\n":
                self._write("\n")  # an earlier writer was killed: its torn line must not swallow our first row
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def append(self, row: Row) -> None:
        """Put the row on disk, whole."""
        if self._redact is not None:
            redact = self._redact
            row = row._replace(op=redact(row.op), instance=redact(row.instance), detail=redact(row.detail))
        self._write(_line(row))

    def close(self) -> None:
        """Give the file back. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, line: str) -> None:
        data = line.encode("utf-8", "replace")
        if os.write(self._fd, data) != len(data):
            raise OSError(f"{self.path}: the disk took only part of a row")


def _line(row: Row) -> str:
    op, key, attempt, intended_s, start_s, end_s, outcome, status, instance, detail, worker = row
    start = "" if start_s is None else f"{start_s:.6f}"
    end = "" if end_s is None else f"{end_s:.6f}"
    code = "" if status is None else status
    line = f"{op},{key},{attempt},{intended_s:.6f},{start},{end},{outcome},{code},{instance},{detail},{worker}"
    if line.count(",") == len(COLUMNS) - 1 and line.isprintable() and '"' not in line:
        return line + "\n"
    texts = [" ".join(text.splitlines()) for text in (op, key, instance, detail, worker)]
    held = io.StringIO()
    fields = [texts[0], texts[1], attempt, f"{intended_s:.6f}", start, end, outcome, code, *texts[2:]]
    csv.writer(held, lineterminator="\n").writerow(fields)
    return held.getvalue()
