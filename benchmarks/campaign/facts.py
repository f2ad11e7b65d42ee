"""What a run leaves on the disk and among the processes, read without Blackstart: SQLite, JSON lines, /proc."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Traces:
    """Where a campaign's runs keep their state and their evidence."""

    state: Path
    reports: Path

    def ledger(self) -> list[tuple[str, str]]:
        """(entry, state) of what the ledger shows as broken; a ledger that can't be read has one entry `unreadable`."""
        path = self.state / "ledger.db"
        if not path.exists():
            return []
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as raw:
                return [(str(a), str(b)) for a, b in raw.execute("SELECT id, state FROM entries")]
        except sqlite3.Error as error:
            return [("unreadable", str(error))]

    def runs(self) -> list[Path]:
        """The evidence folders, oldest first."""
        return sorted((path for path in self.reports.glob("*") if path.is_dir()), key=lambda path: path.stat().st_mtime)

    def guardians(self) -> list[int]:
        """The guardians of these runs that are alive."""
        # Another campaign's run of the same second has the same name: only the state folder tells them apart.
        return [pid for pid in marked(self.mark) if "blackstart.safety.guardian" in words_of(pid)]

    @property
    def mark(self) -> str:
        """What only these runs' processes have in their environment."""
        return f"BLACKSTART_STATE={self.state}"

    def open_copies(self) -> list[Path]:
        """Copies of undos that nobody has proved."""
        return list(self.reports.glob("*/undo.json"))


def events(path: Path, until_s: float = float("inf")) -> list[str]:
    """The names of the events in a chained record that were written by then."""
    found: list[str] = []
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return found
    for line in lines:
        try:
            event: dict[str, Any] = json.loads(line)
        except ValueError:
            continue
        if event.get("at", 0.0) <= until_s:
            found.append(str(event["event"]))
    return found


def pids() -> list[int]:
    """Every process."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def words_of(pid: int) -> list[str]:
    """A process's command line; empty where it has none any more."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")[:-1]
    except OSError:
        return []


def marked(mark: str) -> set[int]:
    """The processes with this variable and value in their environment, without zombies."""
    found = set()
    for pid in pids():
        try:
            if mark.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") and words_of(pid):
                found.add(pid)
        except OSError:
            continue
    return found


def parent_of(pid: int) -> int:
    """Its parent; 0 where it has none any more."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def is_stopped(pid: int) -> bool:
    """Whether it is frozen (SIGSTOP). A server that answers may still have a child that does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"T"
    except (OSError, IndexError):
        return False


def belongs_to(pid: int, elders: set[int]) -> bool:
    """Whether one of these is it or an ancestor of it."""
    while pid > 1:
        if pid in elders:
            return True
        pid = parent_of(pid)
    return False


def interruptible() -> None:
    """Take SIGTERM, and SIGINT also in the background of a shell, for Ctrl-C, once: what was brought up is taken down,
    however often it is asked for."""
    told = (signal.SIGTERM, signal.SIGINT)

    def end(number: int, frame: object) -> None:
        for each in told:
            signal.signal(each, lambda *_: None)  # not ignored, which a child would inherit
        raise KeyboardInterrupt

    for each in told:
        signal.signal(each, end)
