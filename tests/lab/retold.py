"""A run that has been told otherwise: its real record and history, but for one thing, and judged again."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from blackstart.evidence import history
from blackstart.evidence.history import History, Row
from blackstart.evidence.journal import Event
from blackstart.verdict.from_folder import check_findings
from blackstart.verdict.judge import Judgement, judge
from tests.lab.drills import Drill

Rows = Callable[[Row], Row | None]
Events = Callable[[Event], Event]


def retold(done: Drill, rows: Rows = lambda row: row, events: Events = lambda event: event) -> Judgement:
    """What the judge says of it; a row for which there is none is left out."""
    driven = history.read(done.folder / "history.csv")
    driven = History(tuple(_there(rows(row) for row in driven.rows)), driven.unreadable)
    record = done.record
    record = replace(record, events=tuple(events(event) for event in record.events))
    return judge(record, check_findings(record, driven), (), driven)


def began_s(done: Drill, phase: str) -> float:
    """When that phase of the run began."""
    return float(next(event["began"] for event in done.record.events if event.get("phase") == phase))


def reads(probe: str, value: object) -> Events:
    """A probe that always had that value."""

    def other(event: Event) -> Event:
        told = event.get("r")
        return {**event, "r": [[one[0], one[1], value] if one[0] == probe else one for one in told]} if told else event

    return other


def unreadable(why: str, *probes: str) -> Events:
    """A final state of which these could not be read."""

    def other(event: Event) -> Event:
        hidden: dict[str, Any] = {"kind": "unreadable", "value": None, "note": why}
        return {**event, **hidden} if event["event"] == "final" and event["probe"] in probes else event

    return other


def _there(rows: Iterable[Row | None]) -> Iterable[Row]:
    return (row for row in rows if row is not None)
