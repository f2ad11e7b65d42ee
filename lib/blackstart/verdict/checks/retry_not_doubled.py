"""A request that was sent again is there once at most."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys, present, selected, vacuity


def retry_not_doubled(evidence: Recorded, *, source: str = "keys", op: str = "") -> CheckResult:
    """`source` of the final state lists the keys that are there.

    Only a request that had been acknowledged when it was sent again, and was answered again, met one that was there for
    certain. After a clean refusal the second attempt is the first: without one that met another, nothing was tested.
    """
    report = Reporter("what was sent again is there at most once")
    rows = selected(evidence, op)
    try:
        there = present(evidence, source)
    except Missing as missing:
        return report.unknown(str(missing))
    again, found = rows.one(
        f"select count(*), count(p.n) from {rows.fates} left join {there} p using (key) where sent > 1"
    )
    doubled, more = keys(
        rows, f"select key, f.first from {rows.fates} f join {there} p using (key) where sent > 1 and p.n > 1"
    )
    twice = len(doubled) + more
    # One of them was sent after another had been acknowledged, and was acknowledged too.
    (met,) = rows.one(
        "select count(*) from (select key from requests semi join "
        f"(select key from {rows.fates} semi join {there} using (key) where sent > 1) using (key) "
        "where outcome = 'ok' group by key having max(start_s) >= min(end_s))"
    )
    actual = f"{again} sent again, {found} of them there, {met} when they were, {twice} doubled"
    if doubled:
        message = f"{twice} of {again} requests that were sent again are doubled"
        return report.broke(message, actual, doubled, more)
    why = vacuity(rows, ok_needed=False)
    if not why and not again:
        why = "no request was sent again: nothing could have been doubled"
    if not why and not found:
        why = "no request that was sent again is there: nothing could have been doubled"
    if not why and not met:
        why = "no request was sent again after it had been acknowledged: nothing could have been doubled"
    return report.unknown(why, actual) if why else report.held(actual)
