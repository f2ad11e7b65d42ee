"""Every acknowledged request is there."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys_in, selected, vacuity


def no_lost_write(evidence: Recorded, *, source: str = "keys", op: str = "", phase: str = "") -> CheckResult:
    """`source` of the final state lists the keys that are there, repeats allowed."""
    report = Reporter("every acknowledged request is there")
    try:
        rows = selected(evidence, op, phase)
        present = keys_in(evidence, source)
    except Missing as missing:
        return report.unknown(str(missing))
    acknowledged = [key for key, fate in rows.fates().items() if fate == "ok"]
    lost = [key for key in acknowledged if not present[key]]
    actual = f"{len(acknowledged) - len(lost)} of {len(acknowledged)} are there"
    if lost:
        return report.broke(f"{len(lost)} acknowledged requests are not there", actual, lost)
    why = vacuity(rows)
    return report.unknown(why, actual) if why else report.held(actual)
