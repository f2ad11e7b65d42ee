"""Journals written by hand: what a run would have recorded, told in a few lines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from blackstart.base.codec import plain, to_data
from blackstart.evidence.journal import Event, Record, readings_of
from blackstart.model.change import Change
from blackstart.model.expect import Condition, Conditions, Expectation, always, eventually
from blackstart.model.experiment import Experiment
from blackstart.model.finding import Finding
from blackstart.model.reading import Answer, Endpoint, Reading, ReadingKind, Scalar
from blackstart.model.step import Command
from blackstart.verdict.expectation_monitor import Monitor
from blackstart.verdict.judge import Judgement, judge, replay
from blackstart.verdict.monitors import Monitors, Timeline

TICK_S = 0.1
KINDS = ("unreachable", "timed_out", "malformed", "absent", "unreadable")
NOTHING = Command(("true",))


@plain
class Answers:
    """An endpoint that gives the answer it was made with, or what a test puts in place of it."""

    what: str = ""

    def open(self) -> Answers:
        return self

    def read(self, timeout_s: float) -> Answer:
        return Answer("answer", self.what)

    def close(self) -> None:
        """Nothing is held."""

    def describe(self) -> str:
        return f"answers {self.what}"


@plain
class Seen(Conditions):
    """A probe without a system behind it: its readings are written by hand."""

    name: str
    where: str = ""

    def bind(self, target: Any) -> Seen:
        return self

    def endpoint(self) -> Endpoint:
        return Answers(self.where)

    def pick(self, answer: Answer) -> tuple[ReadingKind, Scalar, str]:
        return "value", answer.body, ""


ready, leader, health, redis = Seen("ready"), Seen("leader"), Seen("health"), Seen("redis")


@plain
class Cut:
    """A fault whose changes are written by hand."""

    changes: tuple[Change, ...] = ()

    def plan(self, target: Any) -> tuple[Change, ...]:
        return self.changes

    def describe(self) -> str:
        return "cut"


def change(
    what: str = "stop redis", bites: tuple[Condition, ...] = (), gone: tuple[Condition, ...] = (), **more: Any
) -> Change:
    """A change of redis; by default it bites when redis is silent and is gone when it is up."""
    return Change(what, "redis", (NOTHING,), (NOTHING,), bites or (redis.silent(),), gone or (redis.is_("up"),), **more)


def experiment(faults: tuple[Any, ...] = (Cut(),), **parts: Any) -> Experiment:
    """An experiment with these parts, with a fault."""
    return Experiment("drill", "trader", "It comes back.", faults=faults, **parts)


def reading(probe: Seen | str, what: Any, at_s: float, *, took_s: float = 0.0, note: str = "") -> Reading:
    """A reading answered at `at_s`; `what` is a value, or one of the words for a reading without one."""
    name = probe if isinstance(probe, str) else probe.name
    kind = what if isinstance(what, str) and what in KINDS else "value"
    return Reading(name, kind, at_s - took_s, at_s, what if kind == "value" else None, note)  # type: ignore[arg-type]


def followed(
    expectation: Expectation,
    *readings: tuple[float, Any],
    opened_s: float = 0.0,
    anchor_s: float | None = 0.0,
    reference: Scalar = None,
    tick_s: float = TICK_S,
) -> Monitor:
    """A monitor that was given these readings, as (time of the answer, what was seen)."""
    monitor = Monitor(expectation, "fault", opened_s, reference=reference, anchor_s=anchor_s)
    for at_s, what in readings:
        monitor.feed(reading(expectation.condition.probe.name, what, at_s), tick_s)
    return monitor


def series(what: Any, from_s: float, to_s: float, tick_s: float = TICK_S) -> list[tuple[float, Any]]:
    """The same seen at every tick from `from_s` up to, but not at, `to_s`."""
    count = round((to_s - from_s) / tick_s)
    return [(round(from_s + number * tick_s, 6), what) for number in range(count)]


def status(monitor: Monitor, at_s: float = 20.0) -> str:
    """What the monitor came to when it was told that the end was at `at_s`."""
    return monitor.finish(at_s).status


def message(monitor: Monitor, at_s: float = 20.0) -> str:
    """Why."""
    return monitor.finish(at_s).message


class Story:
    """A run told event by event. Every method returns the story, so that it reads from top to bottom."""

    def __init__(self, drill: Experiment, *changes: Change) -> None:
        self.drill, self.changes = drill, changes
        self.events: list[Event] = []
        self._note(
            0.0,
            "run",
            run="drill_1",
            experiment=to_data(drill),
            target={"name": "trader"},
            began="2026-11-20T14:30:00.000Z",
        )
        self._note(0.0, "plan", changes=[to_data(item) for item in changes])

    def _note(self, at_s: float, event: str, **fields: Any) -> Story:
        self.events.append({"n": len(self.events), "at": at_s, "event": event, **fields})
        return self

    def note(self, at_s: float, event: str, **fields: Any) -> Story:
        """Any other event."""
        return self._note(at_s, event, **fields)

    def phase(self, at_s: float, name: str) -> Story:
        """A phase begins."""
        return self._note(at_s, "phase", phase=name, began=at_s)

    def read(self, at_s: float, tick_s: float = TICK_S, took_s: float = 0.0, **seen: Any) -> Story:
        """One read of one endpoint: what each probe, by its name, saw."""
        found = [reading(name, what, at_s) for name, what in seen.items()]
        rows = [[r.probe, r.kind, r.value] for r in found]
        return self._note(at_s, "read", endpoint="x", sent=at_s - took_s, answered=at_s, tick=tick_s, r=rows)

    def reads(self, from_s: float, to_s: float, tick_s: float = TICK_S, **seen: Any) -> Story:
        """The same seen at every tick from `from_s` up to, but not at, `to_s`."""
        for at_s, _ in series(None, from_s, to_s, tick_s):
            self.read(at_s, tick_s, **seen)
        return self

    def did(self, at_s: float, number: int = 0) -> Story:
        """A change is made."""
        return self._note(at_s, "do", change=f"drill_1#{number}", what=self.changes[number].what)

    def gone(self, at_s: float, number: int = 0, ok: bool = True, unproved: Sequence[str] = ()) -> Story:
        """It was looked whether a change is undone; `unproved` says what was read of the proofs that are missing."""
        what = self.changes[number].what
        return self._note(at_s, "gone", change=f"drill_1#{number}", what=what, ok=ok, unproved=list(unproved))

    def record(self) -> Record:
        """The journal as it would be read."""
        return Record(tuple(self.events))

    def lines(self) -> list[bytes]:
        """The journal as it would be on the disk."""
        written: list[bytes] = []
        prev = ""
        for event in self.events:
            line = json.dumps({**event, "prev": prev}).encode()
            prev = hashlib.sha256(line).hexdigest()[:32]
            written.append(line)
        return written

    def judged(self, checked: tuple[Finding, ...] = ()) -> Judgement:
        """The verdict on it."""
        return judge(self.record(), checked)

    def replayed(self) -> tuple[Monitors, Timeline]:
        """The monitors that heard it, and when what happened."""
        return replay(self.record().until_end(), self.drill, tuple(self.changes))


def all_readings(record: Record) -> list[Reading]:
    """Every reading in a record."""
    return [item for event in record.of("read") for item in readings_of(event)]


def finding(judgement: Judgement, name: str) -> Finding:
    """The finding of that name."""
    return next(item for item in judgement.findings if item.name == name)


BEFORE = eventually(ready.is_(200), name="before")
DURING = eventually(ready.is_(503), within_s=5, name="during")
AFTER = eventually(ready.is_(200), within_s=10, name="after")
HEALTH = always(health.is_("ok"), name="health")
UP = {"ready": 200, "health": "ok", "redis": "up", "leader": 1}
DOWN = {"ready": 503, "health": "ok", "redis": "unreachable", "leader": 0}


def drill(**parts: Any) -> Experiment:
    """A drill that expects something of every phase."""
    return experiment(
        **({"baseline": (BEFORE,), "during": (DURING,), "recovery": (AFTER,), "always": (HEALTH,)} | parts)
    )


def story(**parts: Any) -> Story:
    """A run of it, with one change."""
    return Story(drill(**parts), change())


def fault(told: Story, **seen: object) -> Story:
    """A baseline and a fault of three seconds; the effect is seen from 2.2 on."""
    told.phase(0, "baseline").reads(0.1, 2, **UP).phase(2, "fault").did(2.0)
    return told.read(2.1, **UP).reads(2.2, 5, **(DOWN | seen)).phase(5, "recovery")


def recovered(told: Story, **seen: object) -> Story:
    """The undo is seen at 5.2, and everything is well again; the end is still missing."""
    told.read(5.1, **(DOWN | {"redis": "unreachable"})).reads(5.2, 8, **(UP | seen))
    return told.phase(8, "settle").reads(8, 9, **(UP | seen)).gone(9.0)


def whole(**parts: Any) -> Story:
    """A run of it that went well."""
    return recovered(fault(story(**parts))).phase(9.1, "end")
