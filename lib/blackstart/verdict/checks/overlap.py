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
    count, sent, last_s, first_s = rows.one("select count(*), count(start_s), max(start_s), min(end_s) from requests")
    wanted = count if n is None else n
    if sent < max(2, wanted) or sent < count:
        return report.unknown(f"{sent} of {max(wanted, count)} requests were sent: that proves no overlap")
    actual = f"the last start was {(first_s - last_s) * 1000:.3f} ms before the first end"
    if last_s >= first_s:
        return report.unknown("one request had ended before another began", actual)
    return report.held(f"{sent} requests; {actual}")
