"""Every acknowledged request is there."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, gone, selected, tallied, unsettled, vacuity


def no_lost_write(evidence: Recorded, *, source: str = "keys", op: str = "", phase: str = "") -> CheckResult:
    """`source` of the final state lists the keys that are there, repeats allowed."""
    report = Reporter("every acknowledged request is there")
    try:
        rows = selected(evidence, op, phase)
        ours = tallied(evidence, rows, source)["ok"]
    except Missing as missing:
        return report.unknown(str(missing))
    actual = f"{ours.there} of {ours.count} are there"
    if ours.gone:
        lost = gone(evidence, rows, source)
        if why := unsettled(evidence):
            return report.unknown(f"{ours.gone} acknowledged requests are not there yet: {why}", actual, lost)
        message = f"{ours.gone} acknowledged requests are not there"
        return report.broke(message, actual, lost, ours.gone - len(lost))
    why = vacuity(rows)
    return report.unknown(why, actual) if why else report.held(actual)
