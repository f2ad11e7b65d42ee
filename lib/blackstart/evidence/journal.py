"""The append-only record of one run. Each line is JSON and carries the hash of the line before it.

Every line has `n` (its number), `at` (`clock.now_s()`), `event` and `prev`; the other fields belong to the event.
Lines reach the operating system as they happen, so that killing the run loses nothing; phase changes reach the disk.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from blackstart.base import clock
from blackstart.base.codec import from_data
from blackstart.base.errors import Damaged
from blackstart.evidence.events import EventName
from blackstart.evidence.folder import own_file
from blackstart.model.change import Change
from blackstart.model.reading import Reading

Event = dict[str, Any]
_REMEMBERED = 1024
_LOOKED_AT_LATER = (EventName.SERVICES, EventName.SETTINGS)
_REMEMBERED_LENGTH = 200


class Note(Protocol):
    """Where something is recorded: `Journal.write`."""

    def __call__(self, event: EventName, *, sync: bool = False, **fields: Any) -> None: ...


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()[:32]


def _encoded(entry: Event) -> bytes:
    return _json(entry).encode("utf-8", "backslashreplace")


def _json(data: Any) -> str:
    try:
        return json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=str)
    except ValueError:
        return json.dumps(_finite(data), separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=str)


def _finite(data: Any) -> Any:
    """JSON has no word for NaN and the infinities: they are written as {"float": "nan"}."""
    if isinstance(data, float) and not math.isfinite(data):
        return {"float": str(data)}
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    return [_finite(item) for item in data] if isinstance(data, list | tuple) else data


def _infinite(data: Event) -> Any:
    if len(data) == 1 and data.get("float") in ("nan", "inf", "-inf"):
        return float(data["float"])
    return data


class Journal:
    """Writes events. When the disk can't be written any more it says so in `failure` and goes on: an undo never waits
    for a record of it."""

    def __init__(self, path: Path, scrub: Callable[[Any], Any] = lambda data: data, of: str = "") -> None:
        """`of` is for a record beside a run's journal: the `anchor` of that, which its first line tells."""
        self.path = path
        self._of = {"of": of} if of else {}
        self.failure: OSError | None = None
        self.scrub = scrub
        self._lock = threading.Lock()
        self._number = 0
        self._prev = ""
        self._torn = False
        self._texts: dict[tuple[type, Any], str] = {}
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def write(self, event: EventName, *, sync: bool = False, **fields: Any) -> None:
        """Append one event. With `sync` it has reached the disk when this returns."""
        with self._lock:
            head = {"n": self._number, "at": round(clock.now_s(), 6), "event": event, **self._of}
            self._of = {}
            try:
                line = _encoded({**head, **self.scrub(fields), "prev": self._prev})
            except Exception as error:  # an event that can't be told is one all the same: no undo waits for its words
                line = _encoded({**head, "untold": f"{type(error).__name__}: {error}", "prev": self._prev})
            self._put(line, sync)

    def _put(self, line: bytes, sync: bool = False) -> None:
        try:
            self._append(line)
            if sync:
                os.fsync(self._file)
        except OSError as error:
            self.failure = self.failure or error
        self._number += 1  # what could not be written leaves a hole in the numbers, which tells of it later

    def _append(self, line: bytes) -> None:
        # A line that was torn by a full disk is ended first, so that it spoils nothing but itself.
        data = (b"\n" if self._torn else b"") + line + b"\n"
        self._torn = True
        written = os.write(self._file, data)
        if written >= len(data) - 1:  # also where only its end did not fit: the next line then begins with that
            self._prev = _digest(line)
        if written != len(data):
            raise OSError(28, f"only {written} of {len(data)} bytes of the journal could be written")
        self._torn = False

    def readings(self, endpoint: str, readings: Sequence[Reading], tick_s: float) -> None:
        """What one read of an endpoint gave to its probes."""
        sent_s, answered_s = round(readings[0].sent_s, 6), round(readings[0].answered_s, 6)
        try:
            rows = ",".join([self._row(r) for r in readings])
            # The same line as `write` would make, which takes four times as long; this one comes 200 times a second.
            tail = f'"sent":{sent_s!r},"answered":{answered_s!r},"tick":{tick_s!r},"r":[{rows}]'
            where = self._text(endpoint)
            with self._lock:
                head = f'{{"n":{self._number},"at":{round(clock.now_s(), 6)!r},"event":"{EventName.READ}"'
                self._put(
                    f'{head},"endpoint":{where},{tail},"prev":"{self._prev}"}}'.encode("utf-8", "backslashreplace")
                )
        except Exception:  # what can't be written the short way is written, or told of, the long way
            told = [[r.probe, r.kind, r.value, r.note] if r.note else [r.probe, r.kind, r.value] for r in readings]
            self.write(EventName.READ, endpoint=endpoint, sent=sent_s, answered=answered_s, tick=tick_s, r=told)

    def _row(self, reading: Reading) -> str:
        value = reading.value
        # Ages and counters seldom come twice; names and words do.
        plain = value.__class__ is float and math.isfinite(value)
        shown = repr(value) if plain else self._text(value)
        row = f"[{self._text(reading.probe)},{self._text(reading.kind)},{shown}"
        return f"{row},{self._text(reading.note)}]" if reading.note else f"{row}]"

    def _text(self, data: Any) -> str:
        """Scrubbed JSON of a scalar. Short ones are remembered: the same come by again and again."""
        known = self._texts.get((data.__class__, data))
        if known is None:
            known = _json(self.scrub(data))
            if len(known) <= _REMEMBERED_LENGTH:
                if len(self._texts) >= _REMEMBERED:
                    self._texts.clear()
                self._texts[data.__class__, data] = known
        return known

    def close(self) -> None:
        """Bring everything to the disk and let go of the file. Idempotent."""
        with self._lock:
            handle, self._file = self._file, -1
            if handle >= 0:
                try:
                    os.fsync(handle)
                except OSError as error:
                    self.failure = self.failure or error
                os.close(handle)


def readings_of(event: Event) -> list[Reading]:
    """The readings in an event of kind `read`."""
    sent, answered = event["sent"], event["answered"]
    return [Reading(r[0], r[1], sent, answered, r[2], r[3] if len(r) > 3 else "") for r in event["r"]]


@dataclass(frozen=True)
class Record:
    """A journal as read: its good events, and what is wrong with the rest (empty: nothing).

    `damage_after` is how many good events stand before the first damage.
    """

    events: tuple[Event, ...]
    damage: str = ""
    damage_after: int = 0

    @property
    def damage_text(self) -> str:
        """The damage as people are told of it, with what became of the rest; "" where there is none."""
        if not self.damage:
            return ""
        rest = "the rest was read" if len(self.events) > self.damage_after else "what comes after was not read"
        return f"the journal is damaged: {self.damage}; {rest}; `report.verify` tells more"

    def of(self, *names: EventName) -> list[Event]:
        """The events with these names, in order."""
        return [event for event in self.events if event["event"] in names]

    def first(self, name: EventName) -> Event | None:
        return next((event for event in self.events if event["event"] == name), None)

    def last(self, name: EventName) -> Event | None:
        return next((event for event in reversed(self.events) if event["event"] == name), None)

    def changes(self) -> tuple[Change, ...]:
        """The changes that were planned, rebuilt; none where that was not recorded. Raises Damaged."""
        plan = self.first(EventName.PLAN)
        return from_data(plan["changes"]) if plan else ()

    def until_end(self) -> Record:
        """The run itself, which is what is judged: without what was recorded after its end (an abort, the verdict), but
        for the look at what it did not touch, which a pause does not wait for."""
        for number, event in enumerate(self.events, start=1):
            if event["event"] == EventName.PHASE and event.get("phase") == "end":
                damage = self.damage if self.damage_after < number else ""
                others = tuple(one for one in self.events[number:] if one["event"] in _LOOKED_AT_LATER)
                return Record(self.events[:number] + others, damage, self.damage_after if damage else 0)
        return self


def read(path: Path) -> Record:
    """The trustworthy lines of the journal at `path`. Raises Damaged where there is none at all, or a link."""
    try:
        with open(path, "rb", opener=own_file) as file:
            data = file.read()
    except OSError as error:
        raise Damaged(f"no journal at {path}: {error.strerror}") from error
    return parse(data.split(b"\n"))


def anchor(folder: Path) -> str:
    """What tells the run of this folder from every other: the digest of its journal's first line. "" for none."""
    try:
        with open(folder / "journal.jsonl", "rb", opener=own_file) as file:
            return _digest(file.readline().rstrip(b"\n"))
    except OSError:
        return ""


def read_beside(folder: Path, name: str) -> Record:
    """A record of the guardian or of a healing, in a run's folder. Raises Damaged, also where it is another run's."""
    record, ours = read(folder / name), anchor(folder)
    of = record.events[0].get("of") if record.events else None
    if of and ours and of != ours:
        raise Damaged(f"{folder / name} is the record of another run")
    return record


def experiment_file(folder: Path) -> dict[str, str]:
    """`path` and `sha256` of the file that declared the experiment of this folder's run; empty where nothing says."""
    try:
        told = (read(folder / "journal.jsonl").first(EventName.RUN) or {}).get("experiment_file")
    except Damaged:
        return {}
    return {str(key): str(value) for key, value in told.items()} if isinstance(told, dict) else {}


def parse(lines: Iterable[bytes]) -> Record:
    """The record in these lines. A line is trusted that follows from the last trusted one.

    So a line torn by a full disk spoils nothing but itself, and one that was changed spoils all that come after it.
    """
    events: list[Event] = []
    prev = damage = ""
    damage_after = 0
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        event, problem = _event(line, prev)
        if event is None:
            damage, damage_after = (damage, damage_after) if damage else (f"line {number} {problem}", len(events))
            continue
        if not damage and event.get("n") != number_of(events):
            damage, damage_after = f"lines are missing before line {number}", len(events)
        events.append(event)
        prev = _digest(line)
    return Record(tuple(events), damage, damage_after)


def number_of(events: Sequence[Event]) -> int:
    """The number that the event after these has where none is missing."""
    last = events[-1].get("n") if events else -1
    return last + 1 if isinstance(last, int) else len(events)


def _event(line: bytes, prev: str) -> tuple[Event | None, str]:
    try:
        event = json.loads(line, object_hook=_infinite)
    except (ValueError, RecursionError):
        return None, "is torn or not JSON"
    if not isinstance(event, dict) or not isinstance(event.get("event"), str) or event.get("prev") != prev:
        return None, "does not follow from the line before it"
    return event, ""
