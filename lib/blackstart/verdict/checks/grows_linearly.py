"""A reading grows in proportion to the requests: the square of their correlation, over the time of the load."""

import math
from itertools import accumulate
from statistics import StatisticsError, correlation

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter

_LEAST_READINGS = 10
# Fewer than this leave no trace that could be told from what the other side allocates for itself.
_LEAST_REQUESTS = 500


def grows_linearly(
    evidence: Recorded, probe: str, op: str = "", detail: str = "", least_r_squared: float = 0.9
) -> CheckResult:
    """R² of the reading over the number of requests that had been acknowledged when it was taken; with a `detail`,
    over those whose answer said so instead (a request that reached nothing makes nothing grow)."""
    report = Reporter(f"{probe} grows with the requests, R² ≥ {least_r_squared:g}")
    rows = evidence.history.of(op).where(
        "end_s is not null and case when ? = '' then outcome = 'ok' else detail = ? end", detail, detail
    )
    first_s, last_s = rows.one("select min(end_s), max(end_s) from requests")
    if first_s is None:
        return report.unknown("no request was answered so")
    read = [
        (reading.answered_s, reading.number)
        for reading in evidence.readings(probe)
        if reading.number is not None
        and math.isfinite(reading.number)  # else R² would be no number, which no limit is above
        and first_s <= reading.answered_s <= last_s
    ]
    new = dict(rows.ask(  # how many were answered since the reading before
        "select at_s, count(*) from requests asof join (select distinct unnest(?::double[]) as at_s) on end_s <= at_s "
        "group by at_s",
        [at_s for at_s, _ in read],
    ))  # fmt: skip
    done = accumulate(new.pop(at_s, 0) for at_s, _ in read)
    points = [(count, value) for count, (_, value) in zip(done, read, strict=True)]
    if len(points) < _LEAST_READINGS:
        return report.unknown(f"only {len(points)} readings of {probe} while requests were answered")
    if points[-1][0] - points[0][0] < _LEAST_REQUESTS:
        return report.unknown(f"only {points[-1][0] - points[0][0]} requests reached what should grow")
    counts, values = [float(count) for count, _ in points], [value for _, value in points]
    grown = f"from {values[0]:.0f} to {values[-1]:.0f} over {counts[-1] - counts[0]:.0f} requests"
    try:
        r_squared = correlation(counts, values) ** 2
    except StatisticsError:
        return report.broke(f"{probe} did not grow at all", grown)
    if r_squared < least_r_squared or values[-1] <= values[0]:
        return report.broke(f"R² is {r_squared:.3f}: {grown}", f"{r_squared:.3f}")
    return report.held(f"R² {r_squared:.3f}, {grown}")
