"""The file of a history as a relation in DuckDB: its lines typed and checked, and counted where they can't be read."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:  # it takes longer to load than `invoke --list` as a whole
    from duckdb import DuckDBPyConnection

# In the order of what is known of a key with several attempts: one that was acknowledged is.
FATES = ("ok", "info", "fail")
TYPES = {
    "op": "VARCHAR", "key": "VARCHAR", "attempt": "INTEGER",
    "intended_s": "DOUBLE", "start_s": "DOUBLE", "end_s": "DOUBLE",
    "outcome": f"ENUM{FATES!r}", "status": "INTEGER", "instance": "VARCHAR", "detail": "VARCHAR", "worker": "VARCHAR",
}  # fmt: skip
HEADER = ",".join(TYPES)
# A few million requests in memory. Of a larger file as much for each where half of what is free is enough; else what is
# more waits on the disk, but for an exact percentile: it wants every figure, one of eleven columns.
_MEMORY_BYTES = 400_000_000
_FULL_SHARE, _LEAST_SHARE = 0.85, 0.25
_MOST_THREADS = 4
_CHUNK = 1 << 20
# Names every column that must be a number: what is not asked for is not looked at. NaN is above all others.
_VALID = """
    outcome is not null and attempt >= 1 and (status is null or status >= 0)
    and intended_s >= 0 and intended_s < 'inf'::double
    and ((start_s >= 0 and start_s < 'inf'::double and end_s >= 0 and end_s < 'inf'::double)
         or (start_s is null and end_s is null and outcome = 'fail'))
"""


@cache
def _instance() -> DuckDBPyConnection:
    """DuckDB for this process; to start it takes longer than to ask it about a few hundred requests."""
    import duckdb  # noqa: PLC0415

    # DuckDB takes a folder that is there, also a link of somebody else's, and makes its own for all to read.
    spill = ""
    with suppress(OSError):  # of a full disk everything that fits into memory can still be judged
        spill = tempfile.mkdtemp(prefix="blackstart-")
    config: dict[str, str | int | float | list[str]] = {
        "memory_limit": f"{_MEMORY_BYTES}B",
        "threads": min(_MOST_THREADS, os.cpu_count() or 1),
        "temp_directory": spill,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    db = duckdb.connect(config=config)
    weakref.finalize(db, shutil.rmtree, spill, ignore_errors=True)  # also at the end of the process
    return db


def _free_bytes() -> float:
    """How much memory this process may take: of what is free, and of what its cgroup has, of which DuckDB knows."""
    import duckdb  # noqa: PLC0415
    import psutil  # noqa: PLC0415  (for large files only)

    with duckdb.connect() as untold:
        return min(_limit_bytes(untold), float(psutil.virtual_memory().available))


def _limit_bytes(db: DuckDBPyConnection) -> float:
    ((text,),) = db.execute("select current_setting('memory_limit')").fetchall()
    number, unit = str(text).split()
    return float(number) * 1024.0 ** ("bytes", "KiB", "MiB", "GiB", "TiB").index(unit)


class HistoryFile:
    """One file, read when it is first asked for. None is a history of nothing.

    Its tables have a schema of their own, `name`, and are gone with it.
    """

    _numbers = itertools.count()

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.name = f"history_{next(self._numbers)}"
        self._made: dict[object, str] = {}

    @cached_property
    def db(self) -> DuckDBPyConnection:
        """The connection."""
        db = _instance().cursor()
        db.execute(f"attach ':memory:' as {self.name}")
        weakref.finalize(self, db.execute, f"detach {self.name}")
        size = self.path.stat().st_size if self.path else 0
        if size * _FULL_SHARE > _MEMORY_BYTES:
            wanted = max(size * _LEAST_SHARE, min(size * _FULL_SHARE, _free_bytes() / 2))
            if wanted > _limit_bytes(db):  # another history may need what there is
                db.execute(f"set memory_limit = '{wanted:.0f}B'")
        return db

    @cached_property
    def recorded(self) -> str:
        """The view of all that can be read of the file, which is read anew for each question."""
        columns = ", ".join(f"null::{kind} as {name}" for name, kind in TYPES.items())
        self.db.execute(f"create view {self.name}.recorded as {self._relation() or f'select {columns} where false'}")
        return f"{self.name}.recorded"

    @cached_property
    def table(self) -> str:
        """The table of the requests, in the order in which their fates were known."""
        made, columns = f"{self.name}.requests", ", ".join(name for name in TYPES if name not in ("instance", "worker"))
        create = f"create or replace table {made} as select {columns} from"
        if self.path and "_scan" not in self.__dict__ and _ends(self.path):
            import duckdb  # noqa: PLC0415

            # Most files are whole, and are read as such while it is looked whether this one is.
            read = False
            with ThreadPoolExecutor(1) as pool, suppress(duckdb.Error):
                scan = pool.submit(_scanned, self.path)
                self.db.execute(f"{create} ({_valid(self.path)})")
                read = True
            self._scan = scan.result()
            if read and not self._scan.cut:
                return made
        self.db.execute(f"{create} {self.recorded}")
        return made

    @cached_property
    def _scan(self) -> _Scan:
        return _scanned(self.path) if self.path else _Scan(0, b"", False)

    @cached_property
    def torn(self) -> int:
        """1 where the last line has no end."""
        return int(bool(self._scan.tail))

    @cached_property
    def rubbish(self) -> int:
        """How many whole lines can't be read."""
        relation = self.table if "table" in self.__dict__ else self.recorded
        ((rows,),) = self.db.execute(f"select count(*) from {relation}").fetchall()
        return self._scan.whole - int(rows)

    def once(self, what: object, sql: str, params: Sequence[Any] = ()) -> str:
        """The name of a table that this query makes, the first time that `what` is asked for."""
        if what not in self._made:
            name = f"{self.name}.made_{len(self._made)}"
            self.db.execute(f"create table {name} as {sql}", params)
            self._made[what] = name
        return self._made[what]

    def counted(self, texts: Iterable[str]) -> str:
        """The name of a new table that says how often (`n`) each `key` is among the lines of these texts, and its
        `first` place."""
        # By way of a table: DuckDB splits a parameter as a constant, which takes five times as long.
        given, listed = f"{self.name}.given", f"{self.name}.listed"
        self.db.execute(f"create table {given} as select unnest(?::varchar[]) as text", [list(texts)])
        self.db.execute(f"create table {listed} as select unnest(string_split(text, chr(10))) as key from {given}")
        made = self.once(object(), f"select key, count(*) as n, min(rowid) as first from {listed} group by key")
        self.db.execute(f"drop table {given}; drop table {listed}")
        return made

    def _relation(self) -> str:
        """The query of all valid rows; "" where there is no file."""
        if self.path is None:
            return ""
        _, tail, cut = self._scan
        source = self.path
        self._kept = tempfile.TemporaryDirectory(prefix="blackstart-history-") if tail or cut else None
        if self._kept and cut:
            source = _without_cut(self.path, Path(self._kept.name, "whole.csv"))
        valid = _valid(source)
        if not (self._kept and tail) or cut:
            return valid
        # Cut after its last field, it is a row for DuckDB: it is the only one with these very times and this key.
        torn = Path(self._kept.name, "torn.csv")
        torn.write_bytes(b"\n" + tail + b"\n")
        cut_row = f"{self.name}.torn"
        self.db.execute(f"create table {cut_row} as {_valid(torn)}")
        same = " and ".join(f"torn.{name} is not distinct from r.{name}" for name in TYPES)
        return f"select * from ({valid}) r where not exists (select 1 from {cut_row} torn where {same})"


def _valid(path: Path) -> str:
    return f"select * from {_csv(path)} where {_VALID}"


def _csv(path: Path) -> str:
    quoted = str(path).replace("'", "''")
    columns = ", ".join(f"{name}: $${kind}$$" for name, kind in TYPES.items())
    texts = ", ".join(repr(name) for name, kind in TYPES.items() if kind == "VARCHAR")
    return (
        f"read_csv('{quoted}', columns = {{{columns}}}, auto_detect = false, header = false, skip = 1, delim = ',', "
        f"quote = '\"', escape = '\"', new_line = '\\n', ignore_errors = true, force_not_null = [{texts}])"
    )


def _ends(path: Path) -> bool:
    """Whether the last line has its end; one that a kill cut short is not read twice."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 1))
        return file.read(1) == b"\n"


class _Scan(NamedTuple):
    """How many whole lines there are beside the header, the text of a torn last one, and whether a line was cut within
    quotes, or has a carriage return outside of them: DuckDB would take what follows, up to the next quote, for a part
    of the one, and refuse the file for the other."""

    whole: int
    tail: bytes
    cut: bool


def _scanned(path: Path) -> _Scan:
    whole, cut, chunk = 0, False, b""
    with path.open("rb") as file:
        head = file.readline()
        if head != HEADER.encode() + b"\n" and head.endswith(b"\n"):
            whole = 1  # one that can't be read
        last = head
        while chunk := file.read(_CHUNK):
            last = chunk if chunk.endswith(b"\n") else chunk + file.readline()
            whole += last.count(b"\n")
            if not cut and (b'"' in last or b"\r" in last):
                # Of whole lines: the pieces between an opening quote and the next one; the last must be none of them.
                pieces = last.split(b'"')
                cut = len(pieces) % 2 == 0 or b"\n" in b"".join(pieces[1::2]) or b"\r" in b"".join(pieces[::2])
    return _Scan(whole, last[last.rfind(b"\n") + 1 :], cut)


def _without_cut(path: Path, copy: Path) -> Path:
    with path.open("rb") as lines, copy.open("wb") as kept:
        kept.write(lines.readline())
        kept.writelines(line for line in lines if line.endswith(b"\n") and _is_one_line(line.split(b'"')))
    return copy


def _is_one_line(pieces: list[bytes]) -> bool:
    return len(pieces) % 2 == 1 and b"\r" not in b"".join(pieces[::2])
