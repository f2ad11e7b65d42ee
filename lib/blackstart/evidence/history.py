"""The record of a load: every request is one row of `history.csv`. What is asked of it is SQL, run by DuckDB on it.

A row is whole only with its line end. A line that can't be read is counted, as torn where it is the last one and a kill
cut it short: absence is never taken for success.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self, get_args

from blackstart.base.errors import Damaged
from blackstart.evidence.folder import own_file
from blackstart.evidence.history_file import TYPES, HistoryFile

Outcome = Literal["ok", "fail", "info"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
COLUMNS = tuple(TYPES)
SENT_LATE_MS = 100.0
GIVEN_UP = "timed out after "
"""How the detail of a request begins for which the load itself waited no longer."""
LONGEST_DETAIL = 160
"""Of a longer detail the beginning is recorded."""
_BATCH = 10_000


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


# What a Row says of itself, in SQL.
_FIGURES = """
    end_s is not null as sent, -- as start_s is, where the line can be read
    (end_s - intended_s) * 1000 as latency_ms,
    (start_s - intended_s) * 1000 as start_error_ms,
    (end_s - intended_s) * 1000 - greatest(0.0, (start_s - intended_s) * 1000) as answer_ms
"""


@dataclass(frozen=True)
class History:
    """The requests of a record, or those of them that meet a condition; lines that can't be read count with any."""

    file: HistoryFile
    condition: str = "true"
    params: tuple[Any, ...] = ()
    whole: bool = False

    @property
    def in_full(self) -> Self:
        """The same with all columns of the file, and without `n`. It is read anew for each question."""
        return replace(self, whole=True)

    @property
    def torn(self) -> int:
        """1 where the last line has no end: it is no row, whatever stands in it."""
        return self.file.torn

    @property
    def unreadable(self) -> int:
        """How many lines can't be read, with the torn one."""
        return self.torn + self.file.rubbish

    def ask(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """The rows of a query over `requests`: the columns of the file but `instance` and `worker`, `n` for the order,
        `sent`, `latency_ms`, `start_error_ms` and `answer_ms`."""
        return self.file.db.execute(self._with(sql), [*self.params, *params]).fetchall()

    def one(self, sql: str, *params: Any) -> tuple[Any, ...]:
        """The only row of such a query."""
        (row,) = self.ask(sql, *params)
        return row

    @property
    def accepted(self) -> str:
        """The table of each `key` that was acknowledged: the place of the `first` time, and when it was (`end_s`)."""
        return self.kept(
            "select key, min(n) as first, min(end_s) as end_s from requests "
            "where outcome = 'ok' and key <> '' group by key"
        )

    def kept(self, sql: str) -> str:
        """The name of the table, beside the requests, of what such a query found when it was first asked for."""
        return self.file.once((self.condition, self.params, sql), self._with(sql), self.params)

    def _with(self, sql: str) -> str:
        columns, relation = ("*", self.file.recorded) if self.whole else ("rowid as n, *", self.file.table)
        source = f"select {columns}, {_FIGURES} from {relation} where {self.condition}"
        return f"with requests as not materialized ({source}) {sql}"

    def of(self, op: str = "") -> Self:
        """The requests of one operation; of all for ""."""
        return self.where("op = ?", op) if op else self

    def due(self, from_s: float, to_s: float) -> Self:
        """Those that were due in a stretch of time, its end excluded."""
        return self.where("intended_s >= ? and intended_s < ?", from_s, to_s)

    def where(self, condition: str, *params: Any) -> Self:
        """Those that meet this condition on the columns of the file, too."""
        return replace(self, condition=f"{self.condition} and ({condition})", params=(*self.params, *params))

    @property
    def fates(self) -> str:
        """The table of each `key`: its `fate` (`ok` where any attempt was, else `info` where any was, else `fail`), how
        many attempts were sent, and the place of the `first` one. Requests without a key are left out."""
        return self.kept(
            "select key, min(outcome) as fate, count(start_s) as sent, min(n) as first "
            "from requests where key <> '' group by key"
        )

    def each(self, condition: str = "true", *params: Any, order: str = "") -> Iterator[Row]:
        """The requests that meet a condition, in the file's order or by these columns, a few thousand at once."""
        cursor = self.file.db.cursor()
        ordered = f" order by {order}" if order else ""
        sql = self.in_full._with(f"select {', '.join(COLUMNS)} from requests where {condition}{ordered}")
        cursor.execute(sql, [*self.params, *params])
        while batch := cursor.fetchmany(_BATCH):
            yield from map(Row._make, batch)

    @property
    def rows(self) -> tuple[Row, ...]:
        """All of them: for few."""
        return tuple(self.each())


def read(path: Path) -> History:
    """The record in this file. Raises Damaged where there is none."""
    try:
        open(path, "rb", opener=own_file).close()
    except OSError as error:
        raise Damaged(f"{path}: the history can't be read: {error.strerror or error}") from error
    return History(HistoryFile(path))


def none() -> History:
    """The history of a run that sent nothing."""
    return History(HistoryFile(None))
