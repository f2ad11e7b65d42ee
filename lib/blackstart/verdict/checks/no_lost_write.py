"""Every acknowledged request is there."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys, present, selected, vacuity


def no_lost_write(evidence: Recorded, *, source: str = "keys", op: str = "", phase: str = "") -> CheckResult:
    """`source` of the final state lists the keys that are there, repeats allowed."""
    report = Reporter("every acknowledged request is there")
    try:
        rows = selected(evidence, op, phase)
        there = present(evidence, source)
    except Missing as missing:
        return report.unknown(str(missing))
    (acknowledged,) = rows.one(f"select count(*) from {rows.fates} where fate = 'ok'")
    lost, more = keys(rows, f"select key, first from {rows.fates} anti join {there} using (key) where fate = 'ok'")
    gone = len(lost) + more
    actual = f"{acknowledged - gone} of {acknowledged} are there"
    if gone:
        return report.broke(f"{gone} acknowledged requests are not there", actual, lost, more)
    why = vacuity(rows)
    return report.unknown(why, actual) if why else report.held(actual)
