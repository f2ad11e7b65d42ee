"""The thresholds that a user's k6 script declares held."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter


def thresholds(evidence: Recorded) -> CheckResult:
    """From the load's summary. An incomplete load proves no threshold, nor does the lack of samples."""
    report = Reporter("every threshold of the script holds")
    load = evidence.load
    if not load:
        return report.unknown("the load left no summary")
    declared = load.get("thresholds") or []
    crossed = [str(each["name"]) for each in declared if not each["held"]]
    actual = f"{len(declared) - len(crossed)} of {len(declared)} held"
    if not load.get("complete"):
        return report.unknown(f"the load was not complete: {'; '.join(load.get('reasons', ()))}", actual, crossed)
    if crossed:
        return report.broke(f"{len(crossed)} thresholds were crossed", actual, crossed)
    unseen = [str(each["name"]) for each in declared if not each.get("seen", True)]
    if unseen:
        return report.unknown(f"{len(unseen)} thresholds had no sample to tell from", actual, unseen)
    return report.held(actual) if declared else report.unknown("the script declares no threshold")
