"""The load was what it was meant to be: everything due was sent, and sent in time."""

from collections.abc import Mapping
from typing import Any

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys, selected, vacuity


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
    firsts = rows if load.get("kind") == "burst" else rows.where("attempt = 1")
    count, sent, late = firsts.one(
        "select count(*), count(start_s), count(*) filter (start_error_ms > ?) from requests", late_ms
    )
    due = intended if intended is not None else _due(load, count, bool(op or phase))
    actual = f"{sent} of {due} sent, {late} more than {late_ms:g} ms late"
    why = vacuity(rows, ok_needed=False, keys_needed=False)
    if why:
        return report.unknown(why, actual)
    if sent < count:
        unsent, _ = keys(firsts, "select key, n from requests where not sent", order="n")
        return report.unknown(f"{count - sent} of {due} requests were never sent", actual, unsent)
    if load and not load["complete"]:
        return report.unknown(f"the load was not complete: {'; '.join(load['reasons'])}", actual)
    if count < due:
        return report.unknown(f"{due - count} of {due} requests left no row", actual)
    if late > late_share * sent:
        named, _ = keys(firsts, "select key, n from requests where start_error_ms > ?", late_ms, order="n")
        return report.unknown(f"{late} of {sent} requests were sent late", actual, named)
    return report.held(actual)


def _due(load: Mapping[str, Any], recorded: int, part: bool) -> int:
    """The load's own figure, which says nothing of a part of it."""
    return int(load["intended"]) if load and not part else recorded
