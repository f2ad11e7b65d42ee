"""The record of a load: every request is one row of `history.csv`, on disk the moment its fate is known.

A row is whole only with its line end. Each row is one `write` to a file opened for appending, so that several processes
share a history, and a kill tears the last line at most. The reader yields what it can read and reports what it can't:
absence is never taken for success.
"""

from __future__ import annotations

import csv
import fcntl
import io
import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Self, cast, get_args

from blackstart.base.errors import Damaged

Outcome = Literal["ok", "fail", "info"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
COLUMNS = (
    "op", "key", "attempt", "intended_s", "start_s", "end_s", "outcome", "status", "instance", "detail", "worker",
)  # fmt: skip
_HEADER = ",".join(COLUMNS)
_LONGEST_EXCERPT = 120
SENT_LATE_MS = 100.0
GIVEN_UP = "timed out after "
"""How the detail of a request begins for which the load itself waited no longer."""


class Row(NamedTuple):
    """One request. Times are `clock.now_s()` seconds.

    `ok`: acknowledged. `fail`: did certainly not happen (rejected, refused, never sent). `info`: unknown (time-out,
    lost connection, server error). `intended_s` is when it was due, whatever the system did; an unsent request has no
    `start_s` and no `end_s`. `status` is None where no answer came. `attempt` counts from 1 for each key.
    """

    op: str
    key: str
    attempt: int
    intended_s: float
    start_s: float | None
    end_s: float | None
    outcome: Outcome
    status: int | None = None
    instance: str = ""
    detail: str = ""
    worker: str = ""

    @property
    def sent(self) -> bool:
        """Whether anything was sent at all."""
        return self.start_s is not None

    @property
    def latency_ms(self) -> float:
        """From when it was due to its end: what a user would have waited. Raises ValueError for an unsent row."""
        if self.end_s is None:
            raise ValueError(f"{self.op} {self.key} was never sent: it has no latency")
        return (self.end_s - self.intended_s) * 1000

    @property
    def start_error_ms(self) -> float:
        """How late it was sent. Raises ValueError for an unsent row."""
        if self.start_s is None:
            raise ValueError(f"{self.op} {self.key} was never sent: it has no start")
        return (self.start_s - self.intended_s) * 1000

    @property
    def answer_ms(self) -> float:
        """What the system took: its latency without what the load itself was late. As `latency_ms` raises."""
        return self.latency_ms - max(0.0, self.start_error_ms)

    @property
    def sent_late(self) -> bool:
        """Whether the load itself was so late that the answer says little of its moment. As `start_error_ms` raises."""
        return self.start_error_ms > SENT_LATE_MS


class Unreadable(NamedTuple):
    """A line that can't be read. `torn` is the last line cut short by a kill; anything else is rubbish."""

    line: int
    reason: str
    torn: bool
    text: str


@dataclass(frozen=True)
class History:
    """All rows of a record in the order in which their fates were known, and what could not be read of it."""

    rows: tuple[Row, ...]
    unreadable: tuple[Unreadable, ...] = ()

    def of(self, op: str = "") -> History:
        """The rows of one operation (of all for ""), with everything that was unreadable."""
        return History(tuple(row for row in self.rows if row.op == op), self.unreadable) if op else self

    def by_key(self) -> dict[str, list[Row]]:
        """The attempts of each key, in order; rows without a key are left out."""
        found: dict[str, list[Row]] = {}
        for row in self.rows:
            if row.key:
                found.setdefault(row.key, []).append(row)
        return found

    def fates(self) -> dict[str, Outcome]:
        """What is known of each key: `ok` where any attempt was, else `info` where any was, else `fail`."""
        return {key: _fate(rows) for key, rows in self.by_key().items()}


def _fate(rows: Iterable[Row]) -> Outcome:
    seen = {row.outcome for row in rows}
    return "ok" if "ok" in seen else "info" if "info" in seen else "fail"


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
                self._write(_HEADER + "\n")
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


def lines(path: Path) -> Iterator[Row | Unreadable]:
    """The rows in order, and an Unreadable for every line that is none. Raises Damaged where there is no such file."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise Damaged(f"{path}: the history can't be read: {error.strerror or error}") from error
    with file:
        for number, raw in enumerate(file, 1):
            text = raw.decode("utf-8", "replace").rstrip("\n")
            if not raw.endswith(b"\n"):
                yield Unreadable(number, "torn: the line has no end", True, text[:_LONGEST_EXCERPT])
            elif number == 1:
                if text != _HEADER:
                    yield Unreadable(1, f"not the header {_HEADER}", False, text[:_LONGEST_EXCERPT])
            else:
                yield _parse(number, text)


def read(path: Path) -> History:
    """The whole record. Raises Damaged where there is no such file."""
    found = list(lines(path))
    unreadable = tuple(item for item in found if isinstance(item, Unreadable))
    return History(tuple(item for item in found if isinstance(item, Row)), unreadable)


def _parse(number: int, text: str) -> Row | Unreadable:
    try:
        fields = next(csv.reader([text], strict=True)) if '"' in text else text.split(",")
        return _row(fields)
    except (ValueError, csv.Error, StopIteration) as error:
        return Unreadable(number, str(error) or "empty", False, text[:_LONGEST_EXCERPT])


def _row(fields: list[str]) -> Row:
    if len(fields) != len(COLUMNS):
        raise ValueError(f"{len(fields)} fields instead of {len(COLUMNS)}")
    op, key, attempt, intended, start, end, outcome, status, instance, detail, worker = fields
    if outcome not in OUTCOMES:
        raise ValueError(f"outcome {outcome!r} is none of {', '.join(OUTCOMES)}")
    if int(attempt) < 1:
        raise ValueError(f"attempt {attempt} is below 1")
    if bool(start) != bool(end) or (not start and outcome != "fail"):
        raise ValueError(f"start {start!r}, end {end!r} and outcome {outcome} don't go together")
    start_s, end_s = (_seconds(start), _seconds(end)) if start else (None, None)
    code = int(status) if status else None
    sent = _seconds(intended), start_s, end_s
    return Row(op, key, int(attempt), *sent, cast(Outcome, outcome), code, instance, detail, worker)


def _seconds(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"{text!r} is not a time")
    return value
