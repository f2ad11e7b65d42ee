"""Work waited just before the fault took hold: of an empty queue nobody has anything in hand."""

from blackstart.evidence.events import EventName
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter


def queue_waited(evidence: Recorded, *, probe: str, least: float = 1.0) -> CheckResult:
    """The highest reading of `probe` while the first change was being made (the last before its end, where there was
    none meanwhile) is at least `least`. It says what the drill did, and accuses nobody: held or inconclusive."""
    report = Reporter(f"{probe} at least {least:g} just before the fault")
    from_s, did = evidence.struck_s, evidence.record.first(EventName.DID)
    if from_s is None or did is None:
        return report.unknown("the run did not get to the end of what was done")
    numbers = [one for one in evidence.readings(probe) if one.kind == "value" and isinstance(one.value, int | float)]
    earlier = [one for one in numbers if one.answered_s <= float(did["at"])]
    if not earlier:
        return report.unknown(f"{probe} gave no number before the fault took hold: nobody saw a queue")
    meanwhile = [one for one in earlier if one.sent_s >= from_s] or earlier[-1:]
    highest = max(float(one.value) for one in meanwhile)  # type: ignore[arg-type]
    actual = f"{highest:g} at most just before the fault"
    if highest < least:
        return report.unknown(f"{probe} was {actual}: too little waited that could have been lost", actual)
    return report.held(actual)
