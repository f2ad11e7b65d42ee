"""`notes.jsonl`: what operators add to a finished run. The sealed journal is never touched.

Each line carries the SHA-256 of the line before it; the first carries the hash of what it was added to: the manifest,
or the journal of a run that was never sealed. A note may have a kind: a learning, or an improvement.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from blackstart.base import clock
from blackstart.base.errors import Damaged
from blackstart.evidence import manifest
from blackstart.evidence.events import EventName
from blackstart.evidence.folder import own_file

NAME = "notes.jsonl"
Kind = Literal["", "learning", "improvement"]


@dataclass(frozen=True)
class Notes:
    """The notes that can be trusted, in order, and what is wrong with the rest (empty: nothing)."""

    notes: tuple[dict[str, Any], ...] = ()
    damage: str = ""

    def lines(self) -> list[tuple[str, str]]:
        """(when, what) of each, for reports."""
        told = [": ".join(filter(None, (_head(note), str(note["text"])))) for note in self.notes]
        return list(zip((str(note["utc"]) for note in self.notes), told, strict=True))

    def of(self, kind: Kind) -> list[dict[str, Any]]:
        """Those of that kind, oldest first."""
        return [note for note in self.notes if note.get("kind", "") == kind]


def _head(note: dict[str, Any]) -> str:
    return ", ".join(str(note[word]) for word in ("kind", "by") if note.get(word))


def append(folder: Path, text: str, by: str = "", scrub: Callable[[str], str] = str, kind: Kind = "") -> None:
    """Add a note to a run, durable when this returns. Raises Damaged, OSError."""
    with open(own_file(folder / NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        lines = [line for line in file.read().split(b"\n") if line]
        seen = _parse(lines, folder)
        if seen.damage:
            raise Damaged(f"{folder / NAME}: {seen.damage}; nothing was added to it")
        entry = {"n": len(lines), "utc": clock.utc_iso(), "event": EventName.NOTE, "text": scrub(text), "by": scrub(by)}
        entry |= {"kind": kind} if kind else {}
        entry["prev"] = _digest(lines[-1]) if lines else _anchor(folder)
        file.write(json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read(folder: Path) -> Notes:
    """The notes of a run; none where there is no such file. Raises Damaged where it can't be read."""
    try:
        with open(folder / NAME, "rb", opener=own_file) as file:
            data = file.read()
    except FileNotFoundError:
        return Notes()
    except OSError as error:
        raise Damaged(f"{folder / NAME} can't be read: {error.strerror}") from error
    return _parse([line for line in data.split(b"\n") if line], folder)


def _parse(lines: list[bytes], folder: Path) -> Notes:
    prev = _anchor(folder)
    good: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
        except ValueError:
            return Notes(tuple(good), f"line {number} is torn or not JSON")
        if not isinstance(entry, dict) or entry.get("prev") != prev or "text" not in entry or "utc" not in entry:
            before = "the line before it" if number > 1 else "what it was added to"
            return Notes(tuple(good), f"line {number} does not follow from {before}")
        good.append(entry)
        prev = _digest(line)
    return Notes(tuple(good))


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _anchor(folder: Path) -> str:
    for name in (manifest.NAME, "journal.jsonl"):
        try:
            return manifest.sha256(folder / name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Damaged(f"{folder / name} can't be read: {error.strerror}") from error
    raise Damaged(f"{folder} has no manifest and no journal: there is nothing to add a note to")
