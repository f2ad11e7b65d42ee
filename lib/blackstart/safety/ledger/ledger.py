"""The machine's durable list of what is broken right now, and how to mend it.

One SQLite file in the state folder, written with full sync (on macOS with F_FULLFSYNC), so that the undo of a change is
on the disk before its `do` begins. An entry goes `intent` → `doing` → `done` → `undoing` → removed; where a step of the
`do` was given up and may still take effect, `late` stands for the last two. Only a proved undo removes one. The file
appears with its table in it: an empty file is a ruined one, never a new one.
"""

import contextlib
import json
import os
import shlex
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blackstart.base import clock
from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BlackstartError, Damaged, NotLoaded
from blackstart.base.secrets.placeholders import SecretPlaceholders
from blackstart.base.state import state_dir
from blackstart.model.change import Change
from blackstart.safety.ledger.undo_copies import script_changed
from blackstart.safety.processes.identity import Process, boot_id, myself
from blackstart.safety.processes.namespaces import Apart

_SCHEMA = """
CREATE TABLE entries (
    id TEXT PRIMARY KEY, position INTEGER NOT NULL, run TEXT NOT NULL, experiment TEXT NOT NULL, target TEXT NOT NULL,
    state TEXT NOT NULL, change TEXT NOT NULL, runner TEXT NOT NULL, guardian TEXT, evidence TEXT NOT NULL,
    boot TEXT NOT NULL, lease_until_s REAL NOT NULL, opened_utc TEXT NOT NULL, note TEXT NOT NULL DEFAULT ''
)
"""
_WAIT_S = 10.0
TAKEN = "taken with --from"  # the note of an entry whose evidence nobody vouches for


class _Kept:
    """What an entry that can be read and one that can't have in common."""

    evidence: Path
    note: str

    @property
    def by_hand(self) -> str:
        """What undoes it in a shell; empty where the script there is not one that a run of ours wrote."""
        script = self.evidence / "HEAL.sh"
        return "" if self.note == TAKEN or script_changed(script) else f"sh {shlex.quote(str(script))}"

    @property
    def or_by_hand(self) -> str:
        """The same as the end of a line that says what is wrong."""
        return f"; by hand: {self.by_hand}" if self.by_hand else ""


@dataclass(frozen=True)
class Entry(_Kept):
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
        return _ran_out(self.boot, self.lease_until_s)

    def apart(self) -> Apart | None:
        """What lies between us and the place where it was made: from elsewhere it can't be mended."""
        return self.runner.apart()

    def owned(self) -> bool:
        """Whether somebody alive looks after it: healing leaves it alone."""
        return owned(self.runner, self.guardian, self.boot, self.lease_until_s)


@dataclass(frozen=True)
class Unreadable(_Kept):
    """An entry that can't be rebuilt; `why` says it. `digest`: of the user's file whose classes it needs, if so."""

    id: str
    run: str
    evidence: Path
    why: str
    digest: str = ""
    note: str = ""


class Ledger:
    """The open entries of this machine's user. Every call opens, writes through and closes: nothing is cached."""

    def __init__(
        self,
        folder: Path | None = None,
        tell: Callable[[str, str], None] | None = None,
        placeholders: SecretPlaceholders | None = None,
    ) -> None:
        """`tell` hears each entry's new state, also where it can't be written: `Guardian.tell`.

        The file holds no secret of `placeholders`, and what it refers to is looked up when it is read.
        """
        self.path = (folder or state_dir()) / "ledger.db"
        self._tell = tell or (lambda entry_id, state: None)
        self._placeholders = placeholders or SecretPlaceholders()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            # mode=rw: a file that somebody removed must not come back empty and look whole.
            connection = sqlite3.connect(
                f"{self.path.as_uri()}?mode=rw", uri=True, timeout=_WAIT_S, isolation_level=None
            )
        except sqlite3.Error as error:
            raise Damaged(f"the ledger {self.path} can't be opened: {error}") from error
        try:
            connection.row_factory = sqlite3.Row
            connection.text_factory = lambda text: text.decode("utf-8", "replace")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA fullfsync=ON")
            # The journal file stays, with its space: marking and closing then also work on a disk that is full.
            connection.execute("PRAGMA journal_mode=PERSIST")
            yield connection
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Damaged(f"the ledger {self.path} can't be used: {error}") from error
        finally:
            connection.close()

    def intend(
        self, *, entry_id: str, run: str, experiment: str, target: str, change: Change, evidence: Path, lease_s: float,
        guardian: Process | None = None,
    ) -> None:  # fmt: skip
        """Put the undo on the disk, and who looks after it besides us. When this returns, the change may be made."""
        self._tell(entry_id, "intent")
        until_s = clock.now_s() + lease_s
        self.put(Entry(
            entry_id, run, experiment, target, "intent", change, myself(), guardian, evidence, boot_id(), until_s,
            clock.utc_iso(), "",
        ))  # fmt: skip

    def put(self, entry: Entry) -> None:
        """Write a whole entry, newest of all; one of the same id is replaced."""
        row = (
            entry.id, entry.run, entry.experiment, entry.target, entry.state,
            json.dumps(self._placeholders.conceal(to_data(entry.change))), _text(entry.runner), _text(entry.guardian),
            str(entry.evidence), entry.boot, entry.lease_until_s, entry.opened_utc, entry.note,
        )  # fmt: skip
        self._make()
        with self._open() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO entries (id, position, run, experiment, target, state, change, runner,"
                " guardian, evidence, boot, lease_until_s, opened_utc, note)"
                " SELECT ?, coalesce(max(position), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM entries",
                row,
            )

    def mark(self, entry_id: str, state: str) -> None:
        """`doing`, `done`, `undoing` or `late`. Raises Damaged also where the entry is no longer there."""
        self._tell(entry_id, state)
        with self._open() as connection:
            done = connection.execute("UPDATE entries SET state = ? WHERE id = ?", (state, entry_id))
            if not done.rowcount:
                raise Damaged(f"the ledger {self.path} has lost the entry {entry_id}: somebody changed or replaced it")

    def renew(self, run: str, lease_until_s: float, guardian: Process | None = None) -> None:
        """Move the end of the leases of one run, and say who guards it."""
        guarded = _text(guardian) if guardian else None
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
        """What is broken now, newest first: the order in which it must be undone. See also `unreadable`."""
        return [found for found in self._entries() if isinstance(found, Entry) and run in (None, found.run)]

    def unreadable(self) -> list[Unreadable]:
        """The entries of which only the name is known."""
        return [found for found in self._entries() if isinstance(found, Unreadable)]

    def check(self) -> None:
        """Raise Damaged unless every page of the file is sound. No ledger at all is sound."""
        if not self.path.exists():
            return
        with self._open() as connection:
            found = connection.execute("PRAGMA quick_check").fetchone()[0]
            connection.execute("SELECT count(*) FROM entries")
        if found != "ok":
            raise Damaged(f"the ledger {self.path} is damaged: {found}")

    def set_aside(self) -> Path:
        """Rename a ruined ledger, so that a new one can be begun; nothing of it is removed. Returns its new name."""
        aside = self.path.with_name(f"ledger.damaged-{clock.utc_stamp()}.db")
        self.path.rename(aside)
        with contextlib.suppress(FileNotFoundError):
            Path(f"{self.path}-journal").rename(f"{aside}-journal")
        return aside

    def salvage(self) -> list[Entry]:
        """The entries of a ruined ledger that can still be read, oldest first."""
        kept: list[Entry] = []
        try:
            with self._open() as connection:
                for row in connection.execute("SELECT * FROM entries ORDER BY position"):
                    found = self._entry(dict(row))
                    kept += [found] if isinstance(found, Entry) else []
        except Damaged:
            return kept  # as far as it goes: the caller has just said that it is damaged
        return kept

    def _entries(self) -> list[Entry | Unreadable]:
        if not self.path.exists():
            return []
        with self._open() as connection:
            rows = connection.execute("SELECT * FROM entries ORDER BY position DESC").fetchall()
        return [self._entry(dict(row)) for row in rows]

    def _entry(self, row: dict[str, Any]) -> Entry | Unreadable:
        return _entry(row, self._placeholders)

    def _make(self) -> None:
        if self.path.exists():
            return
        new = self.path.with_name(f"ledger.new-{os.getpid()}")
        try:
            new.unlink(missing_ok=True)
            with contextlib.closing(sqlite3.connect(new, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute(_SCHEMA)
            with contextlib.suppress(FileExistsError):  # another run was quicker
                os.link(new, self.path)
            new.unlink()
        except (OSError, sqlite3.Error) as error:
            raise Damaged(f"the ledger {self.path} can't be made: {error}") from error


def owned(runner: Process, guardian: Process | None, boot: str, lease_until_s: float) -> bool:
    """Whether somebody alive looks after an entry with these."""
    alive = runner.alive() or (guardian is not None and guardian.alive())
    return alive and not _ran_out(boot, lease_until_s)


def _ran_out(boot: str, lease_until_s: float) -> bool:
    return boot != boot_id() or clock.now_s() > lease_until_s


def _text(thing: object) -> str | None:
    return None if thing is None else json.dumps(to_data(thing))


def _entry(row: dict[str, Any], placeholders: SecretPlaceholders) -> Entry | Unreadable:
    try:
        change = from_data(placeholders.reveal(json.loads(row["change"])))
        runner = from_data(json.loads(row["runner"]))
        guardian = from_data(json.loads(row["guardian"])) if row["guardian"] else None
        if not isinstance(change, Change) or not isinstance(runner, Process):
            raise Damaged("it holds something else than a change and a process")
        kept = {
            key: str(row[key]) for key in ("id", "run", "experiment", "target", "state", "boot", "opened_utc", "note")
        }
        return Entry(
            **kept, change=change, runner=runner, guardian=guardian, evidence=Path(row["evidence"]),
            lease_until_s=float(row["lease_until_s"]),
        )  # fmt: skip
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError, BlackstartError) as error:
        digest = error.digest if isinstance(error, NotLoaded) else ""
        evidence, note = Path(str(row["evidence"])), str(row["note"])
        return Unreadable(str(row["id"]), str(row["run"]), evidence, str(error), digest, note)
