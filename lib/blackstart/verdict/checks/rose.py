"""A count went on rising: what stands still under load is not what the load goes through."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter


def rose(evidence: Recorded, *, probe: str, least: float = 1.0) -> CheckResult:
    """The last reading of `probe` that was a number is at least `least` above the first. It says whether we looked at
    the right place, and accuses nobody: held or inconclusive."""
    report = Reporter(f"{probe} rises by {least:g} at least")
    read = [one for one in evidence.readings(probe) if one.kind == "value" and isinstance(one.value, int | float)]
    if len(read) < 2:
        return report.unknown(f"{probe} was read {len(read)} times: whether it rises can't be told")
    first, last = float(read[0].value), float(read[-1].value)  # type: ignore[arg-type]
    actual = f"{first:g} at first, {last:g} in the end"
    if last - first < least:
        return report.unknown(f"{probe} stood still: {actual}", actual)
    return report.held(actual)
