"""Rows written by hand for the tests of checks."""

from collections.abc import Mapping, Sequence
from typing import Any

from blackstart.base.scheduling_lag import LagSample
from blackstart.evidence.history import History, Outcome, Row
from blackstart.evidence.journal import Record
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.lateness import RUN, event_of
from tests.unit.histories import RUBBISH, TORN, history_of

__all__ = ("DONE", "RUBBISH", "TORN", "history", "recorded", "row", "unsent")


def row(
    key: str, outcome: Outcome = "ok", attempt: int = 1, *, op: str = "order", at_s: float = 10.0, **more: object
) -> Row:
    """A request due at `at_s` that took 0.1 s; its status goes with its outcome."""
    status = {"ok": 201, "fail": 409, "info": None}[outcome]
    made = Row(op, key, attempt, at_s, at_s + 0.001, at_s + 0.1, outcome, status, "api", "", "load/0")
    return made._replace(**more)  # type: ignore[arg-type]


# The summary of a load of which every request left a row.
DONE = {"intended": 1, "sent": 1, "unsent": 0}


def unsent(key: str) -> Row:
    return row(key, "fail", start_s=None, end_s=None, status=None, detail="unsent: 10 requests in flight already")


def history(*rows: Row, unreadable: tuple[str, ...] = ()) -> History:
    return history_of(rows, unreadable)


def recorded(
    requests: History,
    final: Mapping[str, Any] | None = None,
    phases: Mapping[str, tuple[float, float]] | None = None,
    load: Mapping[str, Any] | None = None,
    late: Sequence[LagSample] = (),
    in_force: tuple[float, float] | None = None,
) -> Recorded:
    """A run with these requests, this final state, these phases one after the other, this summary of its load, itself
    as late as that, and one change that was done and undone then."""
    events: list[dict[str, Any]] = [{"event": "load", "summary": dict(load)}] if load else []
    events += [{"event": "lateness", "who": RUN, **event_of(sample)} for sample in late]
    events += [
        {"event": "final", "at": 0.0, "probe": name, "kind": "value", "value": value, "note": ""}
        for name, value in (final or {}).items()
    ]
    events += [{"event": "phase", "phase": name, "began": began_s} for name, (began_s, _) in (phases or {}).items()]
    events += [
        {"event": "phase", "phase": "end", "began": until_s} for _, until_s in list((phases or {}).values())[-1:]
    ]
    events += [{"event": name, "at": at_s} for name, at_s in zip(("did", "undo"), in_force or (), strict=False)]
    return Recorded(requests, Record(tuple(events)))
