"""The load was what it was meant to be: everything due was sent, and sent in time."""

from collections.abc import Mapping
from typing import Any

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, selected, vacuity


def rate_reached(
    evidence: Recorded,
    *,
    intended: int | None = None,
    late_ms: float = 100.0,
    late_share: float = 0.01,
    op: str = "",
    phase: str = "",
) -> CheckResult:
    """`intended` is how many requests were due; without it, what the load's summary says.

    Never broke: it is about the load itself. A summary that is not complete reaches nothing. Requests sent more than
    `late_ms` after their time must be no more than `late_share` of all.
    """
    report = Reporter("everything due was sent in time")
    try:
        rows = selected(evidence, op, phase)
    except Missing as missing:
        return report.unknown(str(missing))
    load = evidence.load
    # The attempts of a burst with one key are n first requests.
    firsts = [row for row in rows.rows if row.attempt == 1 or load.get("kind") == "burst"]
    sent = [row for row in firsts if row.sent]
    unsent = [row.key for row in firsts if not row.sent]
    late = [row.key for row in sent if row.start_error_ms > late_ms]
    due = intended if intended is not None else _due(load, len(firsts), bool(op or phase))
    actual = f"{len(sent)} of {due} sent, {len(late)} more than {late_ms:g} ms late"
    why = vacuity(rows, ok_needed=False, keys_needed=False)
    if why:
        return report.unknown(why, actual)
    if unsent:
        return report.unknown(f"{len(unsent)} of {due} requests were never sent", actual, unsent)
    if load and not load["complete"]:
        return report.unknown(f"the load was not complete: {'; '.join(load['reasons'])}", actual)
    if len(firsts) < due:
        return report.unknown(f"{due - len(firsts)} of {due} requests left no row", actual)
    if len(late) > late_share * len(sent):
        return report.unknown(f"{len(late)} of {len(sent)} requests were sent late", actual, late)
    return report.held(actual)


def _due(load: Mapping[str, Any], recorded: int, part: bool) -> int:
    """The load's own figure, which says nothing of a part of it."""
    return int(load["intended"]) if load and not part else recorded
