"""The system answered as it may: only with allowed statuses, for (at least) a given share of the requests."""

import math
from collections import Counter
from collections.abc import Sequence

from blackstart.evidence.history import SENT_LATE_MS, History, Row
from blackstart.loads.statuses import Statuses
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, selected, vacuity


def outcomes(
    evidence: Recorded,
    *,
    allowed: Sequence[str | int] = ("2xx", "3xx", "4xx"),
    min_share: float = 1.0,
    op: str = "",
    phase: str = "",
    honest: bool = False,
    meanwhile: bool = False,
) -> CheckResult:
    """`allowed` are patterns such as 2xx and 409; no answer is never allowed. Every attempt that was sent counts.

    With `honest` a 2xx that the operation did not acknowledge (one that carries an error) is not allowed either. With
    `meanwhile` it is about requests that were sent while the fault was in force, and only answers that came in that
    time break it: who waited it out was answered by a system that was back.
    What our own lateness may have made (see `Recorded.disturbed`) does not break it. Raises ValueError for a share
    that is none.
    """
    wanted = share_of("answers", "every answer", min_share)
    report = Reporter(f"{wanted} {' or '.join(map(str, allowed))}")
    try:
        rows = selected(evidence, op, phase)
    except Missing as missing:
        return report.unknown(str(missing))
    from_s, over_s = evidence.in_force if meanwhile else (-math.inf, math.inf)
    due = (row for row in rows.rows if from_s <= (row.start_s or row.intended_s) < over_s)
    rows = History(tuple(due), rows.unreadable)
    may = Statuses(allowed, (), ())
    sent = [row for row in rows.rows if row.sent]
    lies = {id(row) for row in sent if honest and 200 <= (row.status or 0) < 300 and row.outcome != "ok"}
    bad = [row for row in sent if row.status is None or may.outcome(row.status) != "ok" or id(row) in lies]
    waited = [row for row in bad if (row.end_s or 0.0) >= over_s]
    bad = [row for row in bad if (row.end_s or 0.0) < over_s]
    seen = Counter(f"{row.status or 'no answer'}{' that is none' if id(row) in lies else ''}" for row in sent)
    actual = ", ".join(f"{count} × {status}" for status, count in sorted(seen.items())) or "no answers"
    actual += f"; {len(waited)} of them when it was over" if waited else ""
    return judged(report, evidence, rows, bad, min_share=min_share, actual=actual)


def share_of(what: str, every: str, min_share: float) -> str:
    """That share in words. Raises ValueError for one that is none."""
    if not 0 < min_share <= 1:
        raise ValueError(f"min_share must be above 0 and at most 1, not {min_share}")
    return f"{min_share:.4g} of the {what}" if min_share < 1 else every


def judged(
    report: Reporter,
    evidence: Recorded,
    rows: History,
    bad: Sequence[Row],
    *,
    min_share: float,
    actual: str,
    was: str = "allowed",
) -> CheckResult:
    """Whether at least this share of what was sent is not `bad`, and what of it may have come of our own lateness."""
    sent = [row for row in rows.rows if row.sent]
    # Were every unreadable line a good answer, would it still be too few?
    most = len(sent) + len(rows.unreadable)
    if most and (most - len(bad)) / most < min_share:
        ours = [row for row in bad if row.sent_late or evidence.disturbed(row)]
        if (most - len(bad) + len(ours)) / most >= min_share:
            late = f"{len(ours)} of {len(bad)} that were not {was} were sent more than {SENT_LATE_MS:g} ms late by the "
            late += f"load itself, among others that were, or while we were late{evidence.why_disturbed(ours)}"
            return report.unknown(f"too few answers were {was}, but {late}", actual)
        share = (len(sent) - len(bad)) / len(sent)
        message = f"{len(bad)} of {len(sent)} answers were not {was} (share of {was} ones {share:.4f})"
        return report.broke(message, actual, [row.key for row in bad])
    unsent = len(rows.rows) - len(sent)
    why = vacuity(rows, ok_needed=False, keys_needed=False)
    if not why and unsent:
        why = f"{unsent} requests were never sent: what their answers would have been is not known"
    return report.unknown(why, actual) if why else report.held(actual)
