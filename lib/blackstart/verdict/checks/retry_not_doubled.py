"""A request that was sent again is there once at most."""

import math
from collections.abc import Sequence

from blackstart.evidence.history import Row
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys_in, selected, vacuity


def retry_not_doubled(evidence: Recorded, *, source: str = "keys", op: str = "") -> CheckResult:
    """`source` of the final state lists the keys that are there.

    Only a request that had been acknowledged when it was sent again, and was answered again, met one that was there for
    certain. After a clean refusal the second attempt is the first: without one that met another, nothing was tested.
    """
    report = Reporter("what was sent again is there at most once")
    rows = selected(evidence, op)
    try:
        present = keys_in(evidence, source)
    except Missing as missing:
        return report.unknown(str(missing))
    again = [key for key, attempts in rows.by_key().items() if sum(row.sent for row in attempts) > 1]
    there = [key for key in again if present[key]]
    doubled = [key for key in again if present[key] > 1]
    met = [key for key in there if _met_itself(rows.by_key()[key])]
    actual = f"{len(again)} sent again, {len(there)} of them there, {len(met)} when they were, {len(doubled)} doubled"
    if doubled:
        return report.broke(
            f"{len(doubled)} of {len(again)} requests that were sent again are doubled", actual, doubled
        )
    why = vacuity(rows, ok_needed=False)
    if not why and not again:
        why = "no request was sent again: nothing could have been doubled"
    if not why and not there:
        why = "no request that was sent again is there: nothing could have been doubled"
    if not why and not met:
        why = "no request was sent again after it had been acknowledged: nothing could have been doubled"
    return report.unknown(why, actual) if why else report.held(actual)


def _met_itself(attempts: Sequence[Row]) -> bool:
    """Whether one of them was sent after another had been acknowledged, and was acknowledged too."""
    ok = [row for row in attempts if row.outcome == "ok"]
    acknowledged_s = min((row.end_s for row in ok if row.end_s is not None), default=math.inf)
    return any(row.start_s is not None and row.start_s >= acknowledged_s for row in ok)
