"""Work queued up while the fault was in force: an empty queue can lose nothing."""

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter


def queue_grew(evidence: Recorded, *, probe: str, least: float = 10.0) -> CheckResult:
    """The highest reading of `probe` while the fault was in force (all of its phase, where nothing was changed) is at
    least `least` above the highest before it. It says what the drill did, and accuses nobody: held or inconclusive."""
    report = Reporter(f"{probe} rises by {least:g} at least")
    if "fault" not in evidence.phases:
        return report.unknown("the run did not get to the end of the fault")
    struck_s = evidence.struck_s  # a schedule's first change may come long after the phase began
    from_s, to_s = evidence.phases["fault"] if struck_s is None else evidence.in_force
    until_s = from_s if struck_s is None else struck_s
    numbers = [(one, one.number) for one in evidence.readings(probe) if one.number is not None]
    earlier = [number for one, number in numbers if one.answered_s < until_s]
    during = [number for one, number in numbers if from_s <= one.sent_s and one.answered_s <= to_s]
    if not during:
        return report.unknown(f"{probe} gave no number during the fault: nobody saw a queue")
    if not earlier:
        return report.unknown(f"{probe} gave no number before the fault: whether it rose can't be told")
    before = max(earlier)
    actual = f"{max(during):g} at most during the fault, {before:g} before"
    if max(during) < before + least:
        few = f"less than {least:g} more waited: too few that could have been lost"
        none = "nothing waited that could have been lost"
        return report.unknown(f"{probe} did not rise: {actual}; {few if max(during) > before else none}", actual)
    return report.held(actual)
