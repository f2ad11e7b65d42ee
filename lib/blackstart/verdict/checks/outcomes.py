"""The system answered as it may: only with allowed statuses, for (at least) a given share of the requests."""

from collections.abc import Sequence
from typing import Any

from blackstart.evidence.history import SENT_LATE_MS, History, Row
from blackstart.loads.statuses import Statuses
from blackstart.verdict.checks.recorded import SAYS_NOT_NOW, Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys, selected, vacuity


def outcomes(
    evidence: Recorded,
    *,
    allowed: Sequence[str | int] = ("2xx", "3xx", "4xx"),
    min_share: float = 1.0,
    op: str = "",
    phase: str = "",
    honest: bool = False,
    meanwhile: bool = False,
    lossy: bool = False,
) -> CheckResult:
    """`allowed` are patterns such as 2xx and 409; no answer is never allowed. Every attempt that was sent counts;
    but for what a `lossy` fault has lost.

    With `honest` a 2xx that says it is no acknowledgement (one that carries an error) is not allowed either. With
    `meanwhile` it is about requests that were sent while the fault was in force, and only answers that came in that
    time break it: who waited it out was answered by a system that was back. Where nobody had an answer in that time
    nothing holds.
    What our own lateness may have made (see `Recorded.disturbed`) does not break it. Raises ValueError for a share
    that is none.
    """
    wanted = share_of("answers", "every answer", min_share)
    report = Reporter(f"{wanted} {' or '.join(map(str, allowed))}")
    try:
        rows = selected(evidence, op, phase, lossy)
    except Missing as missing:
        return report.unknown(str(missing))
    if meanwhile:
        rows = sent_in_force(evidence, rows)
    may = Statuses(allowed, (), ())
    lie = "(status between 200 and 299 and outcome = 'fail')" if honest else "false"
    seen = rows.ask(f"select status, coalesce({lie}, false) as lie, count(*) from requests where sent group by all")
    told = {f"{status or 'no answer'}{' that is none' if lies else ''}": count for status, lies, count in seen}
    actual = ", ".join(f"{count} × {status}" for status, count in sorted(told.items())) or "no answers"
    good = [status for status, _, _ in seen if status is not None and may.outcome(status) == "ok"]
    wrong = f"start_s is not null and (not coalesce(status in ?::integer[], false) or {lie})"
    bad = rows.where(wrong, good)
    if meanwhile:
        over_s = evidence.in_force[1]
        (waited,) = rows.one("select count(*) from requests where sent and end_s >= ?", over_s)
        (came,) = rows.one("select count(*) from requests where sent and status is not null and end_s < ?", over_s)
        bad = bad.where("end_s < ?", over_s)
        actual += f"; {waited} of them when it was over" if waited else ""
        if waited and not came and bad.one("select count(*) from requests") == (0,):
            return report.unknown(f"none of {waited} requests was answered while the fault was in force", actual)
    gave_way = (f"? in ('', op) and {SAYS_NOT_NOW} and {wrong}", op, good)
    return judged(report, evidence, rows, bad, min_share=min_share, actual=actual, gave_way=gave_way)


def sent_in_force(evidence: Recorded, rows: History) -> History:
    """Those that were sent, or due where they were not, while the fault was in force."""
    at_s = "coalesce(start_s, intended_s)"
    return rows.where(f"{at_s} >= ? and {at_s} < ?", *evidence.in_force)


def share_of(what: str, every: str, min_share: float) -> str:
    """That share in words. Raises ValueError for one that is none."""
    if not 0 < min_share <= 1:
        raise ValueError(f"min_share must be above 0 and at most 1, not {min_share}")
    return f"{min_share:.4g} of the {what}" if min_share < 1 else every


def judged(
    report: Reporter,
    evidence: Recorded,
    rows: History,
    bad: History,
    *,
    min_share: float,
    actual: str,
    was: str = "allowed",
    gave_way: Sequence[Any] = (),
) -> CheckResult:
    """Whether at least this share of what was sent is not `bad`, and what of it may have come of our own lateness.
    `gave_way` are the arguments of `Recorded.disturbed_ones`."""
    due, sent = rows.one("select count(*), count(start_s) from requests")
    (failed,) = bad.one("select count(*) from requests")
    # Were every unreadable line a good answer, would it still be too few?
    most = sent + rows.unreadable
    if most and (most - failed) / most < min_share:
        ours = evidence.disturbed_ones(bad, *gave_way)
        if (most - failed + len(ours)) / most >= min_share:
            late = f"{len(ours)} of {failed} that were not {was} were sent more than {SENT_LATE_MS:g} ms late by the "
            why = evidence.why_disturbed(*_under_way(ours))
            late += (
                'load itself, among others that were, or while we were late, or say "not now" from then on for a while'
            )
            return report.unknown(f"too few answers were {was}, but {late}{why}", actual)
        share = (sent - failed) / sent
        message = f"{failed} of {sent} answers were not {was} (share of {was} ones {share:.4f})"
        return report.broke(message, actual, *keys(bad, "select key, n from requests where key <> ''", order="n"))
    unsent = due - sent
    why = vacuity(rows, ok_needed=False, keys_needed=False)
    if not why and unsent:
        why = f"{unsent} requests were never sent: what their answers would have been is not known"
    return report.unknown(why, actual) if why else report.held(actual)


def _under_way(rows: Sequence[Row]) -> tuple[float, float]:
    return min(row.intended_s for row in rows), max(row.end_s or row.intended_s for row in rows)
