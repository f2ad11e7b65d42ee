"""The machine's durable list of what is broken right now, and how to mend it.

One SQLite file in the state folder, written with full sync (on macOS with F_FULLFSYNC), so that the undo of a change is
on the disk before its `do` begins. An entry goes `intent` → `doing` → `done` → removed; nothing else removes one.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blackstart import clock
from blackstart.codec import from_data, to_data
from blackstart.errors import Damaged
from blackstart.model import Change
from blackstart.safety.alive import Process, boot_id, myself
from blackstart.state import state_dir

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL, run TEXT NOT NULL, experiment TEXT NOT NULL, target TEXT NOT NULL,
    state TEXT NOT NULL, change TEXT NOT NULL, runner TEXT NOT NULL, guardian TEXT, evidence TEXT NOT NULL,
    boot TEXT NOT NULL, lease_until_s REAL NOT NULL, opened_utc TEXT NOT NULL, note TEXT NOT NULL DEFAULT ''
)
"""


@dataclass(frozen=True)
class Entry:
    """One change that is, or may be, in force. `lease_until_s` is in `clock.now_s()` seconds of the boot `boot`."""

    id: str
    run: str
    experiment: str
    target: str
    state: str
    change: Change
    runner: Process
    guardian: Process | None
    evidence: Path
    boot: str
    lease_until_s: float
    opened_utc: str
    note: str

    def lease_ran_out(self) -> bool:
        """Whether its longest lifetime is over; a reboot ends every lease."""
        return self.boot != boot_id() or clock.now_s() > self.lease_until_s

    def owned(self) -> bool:
        """Whether somebody alive looks after it: healing leaves it alone."""
        alive = self.runner.alive() or (self.guardian is not None and self.guardian.alive())
        return alive and not self.lease_ran_out()


class Ledger:
    """The open entries of this machine's user. Every call opens, writes through and closes: nothing is cached."""

    def __init__(self, folder: Path | None = None, tell: Callable[[str, str], None] | None = None) -> None:
        """`tell` hears each entry's new state, also where it can't be written: `Guardian.tell`."""
        self.path = (folder or state_dir()) / "ledger.db"
        self._tell = tell or (lambda entry_id, state: None)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        except sqlite3.Error as error:
            raise Damaged(f"the ledger {self.path} can't be opened: {error}") from error
        try:
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA fullfsync=ON")
            connection.execute(_SCHEMA)
            yield connection
        except sqlite3.DatabaseError as error:
            raise Damaged(f"the ledger {self.path} can't be used: {error}") from error
        finally:
            connection.close()

    def intend(
        self, *, entry_id: str, run: str, experiment: str, target: str, change: Change, evidence: Path, lease_s: float
    ) -> None:
        """Put the undo on the disk. When this returns, the change may be made."""
        self._tell(entry_id, "intent")
        row = (
            entry_id, run, experiment, target, "intent", json.dumps(to_data(change)), json.dumps(to_data(myself())),
            str(evidence), boot_id(), clock.now_s() + lease_s, clock.utc_iso(),
        )  # fmt: skip
        with self._open() as connection:
            connection.execute(
                "INSERT INTO entries (id, position, run, experiment, target, state, change, runner, evidence, boot,"
                " lease_until_s, opened_utc) SELECT ?, coalesce(max(position), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
                " FROM entries",
                row,
            )

    def mark(self, entry_id: str, state: str, note: str = "") -> None:
        """`doing`, `done` or `undoing`."""
        self._tell(entry_id, state)
        with self._open() as connection:
            connection.execute("UPDATE entries SET state = ?, note = ? WHERE id = ?", (state, note, entry_id))

    def renew(self, run: str, lease_until_s: float, guardian: Process | None = None) -> None:
        """Move the end of the leases of one run, and say who guards it."""
        guarded = json.dumps(to_data(guardian)) if guardian else None
        with self._open() as connection:
            connection.execute(
                "UPDATE entries SET lease_until_s = ?, guardian = coalesce(?, guardian) WHERE run = ?",
                (lease_until_s, guarded, run),
            )

    def close(self, entry_id: str) -> None:
        """The undo is proved: forget the entry."""
        self._tell(entry_id, "closed")
        with self._open() as connection:
            connection.execute("DELETE FROM entries WHERE id = ?", (entry_id,))

    def outstanding(self, run: str | None = None) -> list[Entry]:
        """What is broken now, newest first: the order in which it must be undone."""
        if not self.path.exists():
            return []
        with self._open() as connection:
            connection.row_factory = sqlite3.Row
            rows = connection.execute("SELECT * FROM entries ORDER BY position DESC").fetchall()
        return [_entry(dict(row)) for row in rows if run is None or row["run"] == run]


def _entry(row: dict[str, Any]) -> Entry:
    try:
        change = from_data(json.loads(row["change"]))
        runner = from_data(json.loads(row["runner"]))
        guardian = from_data(json.loads(row["guardian"])) if row["guardian"] else None
    except ValueError as error:
        raise Damaged(f"the ledger's entry {row['id']} can't be read: {error}") from error
    kept = {key: row[key] for key in ("id", "run", "experiment", "target", "state", "boot", "opened_utc", "note")}
    return Entry(
        **kept, change=change, runner=runner, guardian=guardian, evidence=Path(row["evidence"]),
        lease_until_s=float(row["lease_until_s"]),
    )  # fmt: skip
