"""What a specification claims of each answer, as in `result.error.code == RATE_LIMITED`."""

from collections.abc import Callable, Iterator, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from blackstart.evidence.events import EventName
from blackstart.evidence.history import History, Row
from blackstart.verdict.checks.recorded import UNAVAILABLE, Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, selected, vacuity

Claim = Sequence[Any]
_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "==": eq, "is": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge,
    "in": lambda value, of: bool(value in of),
}  # fmt: skip
_AT_LEAST = ("<", "<=")
_UNDER_WAY = "under way at the undo"


def claim_holds(
    evidence: Recorded,
    *,
    claim: Claim,
    text: str,
    op: str = "",
    phase: str = "",
    within_s: float | None = None,
    lossy: bool = False,
) -> CheckResult:
    """`claim` is [operator, part, part]; a comparison's parts are a field of the answer and a value, those of `and`,
    `or`, `implies`, `not` are claims. Fields: `result` (error, success), `status`, `error.code`, `latency` (seconds).

    It must be true of every request that was sent in the phase; in that of the fault, of each that was sent and had
    ended while the fault was in force: of one that was under way when it went is known only that it had no answer until
    then, and a latency that none could have reached before is not tested. With `within_s` it must be true of one, at
    least, that was sent and answered in so many seconds after the undo: none of them breaks it before that time is
    over, as a request that was sent later shows.

    A request without an answer is neither an error nor a success: of it a claim is not known, but that its latency is
    at least what it was waited for; one that a `lossy` fault has lost does not count.
    """
    report = Reporter(text)
    try:
        rows = selected(evidence, op, "" if within_s is not None else phase, lossy).where("start_s is not null")
    except Missing as missing:
        return report.unknown(str(missing))
    if within_s is not None:
        undone = [float(event["at"]) for event in evidence.record.of(EventName.UNDONE) if event["ok"]]
        if not undone:
            return report.unknown("the fault was not proved undone: what eventually is was not waited for")
        until_s = max(undone) + within_s
        (last_s,) = rows.one("select max(start_s) from requests")
        rows = rows.where("start_s >= ? and end_s <= ?", max(undone), until_s)
    why = vacuity(rows, ok_needed=False, keys_needed=False)
    if why:
        return report.unknown(why)
    said = [(row, holds(claim, row)) for row in (_in_force(evidence, rows) if phase == "fault" else rows.each())]
    said = [(row, it) for row, it in said if it is not None or row.detail != _UNDER_WAY]
    if not said:
        return report.unknown("no request was sent and answered while the fault was in force")
    true, false = (sum(it is word for _, it in said) for word in (True, False))
    actual = f"true of {true}, false of {false}, not known of {len(said) - true - false} requests"
    if within_s is not None and true:
        return report.held(actual)
    ours = set(evidence.disturbed_ones(rows.where(UNAVAILABLE), f"? in ('', op) and {UNAVAILABLE}", op))
    broken = [row for row, it in said if it is False and row not in ours and not evidence.disturbed(row)]
    if within_s is not None and len(broken) == len(said) and last_s < until_s:
        return report.unknown(f"the last request was sent {until_s - last_s:.1f} s before the time was over", actual)
    if broken and (within_s is None or len(broken) == len(said)):
        return report.broke(f"not so for {len(broken)} of {len(said)} requests", actual, [row.key for row in broken])
    if true < len(said):
        return report.unknown(f"not certain: {actual}", actual)
    beyond = _beyond([row for row, _ in said], longest_s(claim), evidence.in_force[1]) if phase == "fault" else ""
    return report.unknown(beyond, actual) if beyond else report.held(actual)


def longest_s(claim: Claim) -> float:
    """The longest latency that it speaks of; 0 where it speaks of none."""
    operator, *parts = claim
    if operator not in _COMPARED:
        return max(map(longest_s, parts))
    field, value = parts
    if field != "latency":
        return 0.0
    return float(max(value) if operator == "in" else value)


def _beyond(rows: Sequence[Row], limit_s: float, undo_s: float) -> str:
    """Why none of them could have taken so long; "" where one could, or did."""
    times = [(row.start_s or 0.0, row.end_s or 0.0) for row in rows]
    if any(start_s + limit_s < undo_s or end_s - start_s > limit_s for start_s, end_s in times):
        return ""
    few = f"none of {len(rows)} requests was sent {limit_s:g} s before the undo"
    return f"a latency of {limit_s:g} s could not be reached: {few}; hold the fault for longer"


def _in_force(evidence: Recorded, rows: History) -> Iterator[Row]:
    """What was sent in that time; what had not ended then as one that has no answer."""
    from_s, over_s = evidence.in_force
    for row in rows.each("start_s >= ? and start_s < ?", from_s, over_s):
        ended = row.end_s is not None and row.end_s < over_s
        yield row if ended else row._replace(end_s=over_s, outcome="info", status=None, detail=_UNDER_WAY)


def holds(claim: Claim, row: Row) -> bool | None:
    """Whether it is true of this request; None where that is not known. Raises ValueError for a claim that is none."""
    operator, *parts = claim
    if operator in _COMPARED:
        return _compared(operator, parts[0], parts[1], row)
    left, *others = (holds(part, row) for part in parts)
    if operator == "not":
        return None if left is None else not left
    (right,) = others
    if operator == "implies":
        operator, left = "or", None if left is None else not left
    if operator not in ("and", "or"):
        raise ValueError(f"{operator!r} is no operator of claims")
    decisive = operator == "or"
    if left is decisive or right is decisive:
        return decisive
    return None if None in (left, right) else not decisive


def _compared(operator: str, field: str, value: Any, row: Row) -> bool | None:
    answered = row.status is not None
    if field == "latency":
        took_s = (row.end_s or 0.0) - (row.start_s or 0.0)
        if not answered:  # it would have been longer still
            return False if operator in _AT_LEAST and not _COMPARED[operator](took_s, value) else None
        return _COMPARED[operator](took_s, value)
    if not answered:
        return None
    ok = row.outcome == "ok"
    fields: dict[str, Any] = {
        "result": "success" if ok else "error", "status": row.status, "error.code": "" if ok else row.detail,
    }  # fmt: skip
    if field not in fields:
        raise ValueError(f"{field!r} is no field of an answer")
    return _COMPARED[operator](fields[field], value)
