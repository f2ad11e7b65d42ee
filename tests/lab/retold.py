"""A flash sale's run that has been told otherwise: its real record and history, but for one thing, and judged again."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from blackstart.evidence import history
from blackstart.evidence.history import Row
from blackstart.evidence.journal import Event
from blackstart.verdict.from_folder import check_findings
from blackstart.verdict.judge import Judgement, judge
from tests.lab.drills import Drill
from tests.unit.histories import history_of

_UNITS = {"ample_keys": ("redis_stock", "database_stock"), "last_keys": ("redis_last", "database_last")}
Rows = Callable[[Row], Row | None]
Events = Callable[[Event], Event]


def retold(done: Drill, rows: Rows = lambda row: row, events: Events = lambda event: event) -> Judgement:
    """What the judge says of it; a row for which there is none is left out.

    The stores in the end agree with what was told: no order of a rejected key, or of one that was never sent, is there,
    and no unit of it is gone.
    """
    driven = history.read(done.folder / "history.csv")
    assert not driven.unreadable
    told_rows = list(_there(rows(row) for row in driven.rows))
    driven = history_of(told_rows)
    record = done.record
    there = {row.key for row in told_rows if row.outcome != "fail"}
    record = replace(record, events=tuple(events(event) for event in _agreeing(record.events, there)))
    return judge(record, check_findings(record, driven), (), driven)


def struck_s(done: Drill) -> float:
    """When the first change of the run was made."""
    return float(next(event["at"] for event in done.record.events if event["event"] == "do"))


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


def _agreeing(events: Iterable[Event], there: set[str]) -> list[Event]:
    given_back: dict[str, int] = {}
    told = []
    for event in events:
        name = event["probe"] if event["event"] == "final" and event["kind"] == "value" else ""
        value = event.get("value")
        if name in ("keys", *_UNITS):
            before = json.loads(value)
            value = json.dumps([key for key in before if key in there])
            given_back |= dict.fromkeys(_UNITS.get(name, ()), sum(key not in there for key in before))
        elif name in given_back:
            value += given_back[name]
        told.append({**event, "value": value} if name else event)
    return told


def _there(rows: Iterable[Row | None]) -> Iterable[Row]:
    return (row for row in rows if row is not None)
