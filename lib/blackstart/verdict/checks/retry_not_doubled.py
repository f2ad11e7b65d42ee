"""A request that was sent again is there once at most."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys_in, selected, vacuity


def retry_not_doubled(evidence: Recorded, *, source: str = "keys", op: str = "") -> CheckResult:
    """`source` of the final state lists the keys that are there. Without one that was sent twice and is there:
    inconclusive."""
    report = Reporter("what was sent again is there at most once")
    rows = selected(evidence, op)
    try:
        present = keys_in(evidence, source)
    except Missing as missing:
        return report.unknown(str(missing))
    again = [key for key, attempts in rows.by_key().items() if sum(row.sent for row in attempts) > 1]
    there = [key for key in again if present[key]]
    doubled = [key for key in again if present[key] > 1]
    actual = f"{len(again)} sent again, {len(there)} of them there, {len(doubled)} more than once"
    if doubled:
        return report.broke(
            f"{len(doubled)} of {len(again)} requests that were sent again are doubled", actual, doubled
        )
    why = vacuity(rows, ok_needed=False)
    if not why and not again:
        why = "no request was sent again: nothing could have been doubled"
    if not why and not there:
        why = "no request that was sent again is there: nothing could have been doubled"
    return report.unknown(why, actual) if why else report.held(actual)
