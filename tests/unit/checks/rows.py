"""Rows written by hand for the tests of checks."""

from blackstart.history import History, Outcome, Row, Unreadable

TORN = Unreadable(9, "torn: the line has no end", True, "order,k-")
RUBBISH = Unreadable(4, "2 fields instead of 11", False, "a,b")


def row(
    key: str, outcome: Outcome = "ok", attempt: int = 1, *, op: str = "order", at_s: float = 10.0, **more: object
) -> Row:
    """A request due at `at_s` that took 0.1 s; its status goes with its outcome."""
    status = {"ok": 201, "fail": 409, "info": None}[outcome]
    made = Row(op, key, attempt, at_s, at_s + 0.001, at_s + 0.1, outcome, status, "api", "", "load/0")
    return made._replace(**more)  # type: ignore[arg-type]


def unsent(key: str) -> Row:
    return row(key, "fail", start_s=None, end_s=None, status=None, detail="unsent: 10 requests in flight already")


def history(*rows: Row, unreadable: tuple[Unreadable, ...] = ()) -> History:
    return History(rows, unreadable)
