"""All requests of a burst were in flight at one moment."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import selected, vacuity


def overlap(evidence: Recorded, *, n: int | None = None, op: str = "") -> CheckResult:
    """`n` is how many there should be. Never broke: it is about the load itself."""
    report = Reporter(f"{'all' if n is None else n} requests in flight at once")
    rows = selected(evidence, op)
    why = vacuity(rows, ok_needed=False, keys_needed=False)
    if why:
        return report.unknown(why)
    starts = [row.start_s for row in rows.rows if row.start_s is not None]
    ends = [row.end_s for row in rows.rows if row.end_s is not None]
    wanted = len(rows.rows) if n is None else n
    if len(starts) < max(2, wanted) or len(starts) < len(rows.rows):
        return report.unknown(
            f"{len(starts)} of {max(wanted, len(rows.rows))} requests were sent: that proves no overlap"
        )
    actual = f"the last start was {(min(ends) - max(starts)) * 1000:.3f} ms before the first end"
    if max(starts) >= min(ends):
        return report.unknown("one request had ended before another began", actual)
    return report.held(f"{len(starts)} requests; {actual}")
