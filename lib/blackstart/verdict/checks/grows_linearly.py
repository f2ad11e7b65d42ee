"""A reading grows in proportion to the requests: the square of their correlation, over the time of the load."""

import math
from statistics import StatisticsError, correlation

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter

_LEAST_READINGS = 10
# Fewer than this leave no trace that could be told from what the other side allocates for itself.
_LEAST_REQUESTS = 500


def grows_linearly(
    evidence: Recorded, probe: str, op: str = "", detail: str = "", least_r_squared: float = 0.9
) -> CheckResult:
    """R² of the reading over the number of requests that had been answered when it was taken; with a `detail`, only
    over those whose answer said so (a request that reached nothing makes nothing grow)."""
    report = Reporter(f"{probe} grows with the requests, R² ≥ {least_r_squared:g}")
    rows = [row for row in evidence.history.of(op).rows if detail in ("", row.detail)]
    ends = sorted(row.end_s for row in rows if row.end_s is not None)
    if not ends:
        return report.unknown("no request was answered")
    points: list[tuple[int, float]] = []
    done = 0
    for reading in evidence.readings(probe):
        value = reading.value
        if reading.kind != "value" or isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not math.isfinite(value):  # it would make R² no number, which no limit is above
            continue
        if ends[0] <= reading.answered_s <= ends[-1]:
            while done < len(ends) and ends[done] <= reading.answered_s:
                done += 1
            points.append((done, float(value)))
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
