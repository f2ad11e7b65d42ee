"""A count went on rising: what stands still under load is not what the load goes through."""

from itertools import accumulate

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter


def rose(evidence: Recorded, *, probe: str, least: float = 1.0) -> CheckResult:
    """A reading of `probe` is at least `least` above an earlier one, whatever it fell in between. It says whether we
    looked at the right place, and accuses nobody: held or inconclusive."""
    report = Reporter(f"{probe} rises by {least:g} at least")
    read = [one.number for one in evidence.readings(probe) if one.number is not None]
    if len(read) < 2:
        return report.unknown(f"{probe} was read {len(read)} times: whether it rises can't be told")
    actual = f"{read[0]:g} at first, {read[-1]:g} in the end"
    if max(value - lowest for value, lowest in zip(read, accumulate(read, min), strict=True)) < least:
        return report.unknown(f"{probe} stood still: {actual}", actual)
    return report.held(actual)
