"""Work waited when the fault struck: of an empty queue nobody has anything in hand."""

from blackstart.evidence.events import EventName
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter


def queue_waited(evidence: Recorded, *, probe: str, least: float = 1.0) -> CheckResult:
    """`probe` was at least `least` in the last reading before the first change was made, and in the first one after: so
    much was not done when it struck, but for what came in between. It says what the drill did, and accuses nobody: held
    or inconclusive."""
    report = Reporter(f"{probe} at least {least:g} when the fault struck")
    did = evidence.record.first(EventName.DID)
    if did is None:
        return report.unknown("the run did not get to the end of what was done")
    struck_s = float(did["at"])
    numbers = [one for one in evidence.readings(probe) if one.kind == "value" and isinstance(one.value, int | float)]
    before = next((one for one in reversed(numbers) if one.answered_s <= struck_s), None)
    after = next((one for one in numbers if one.sent_s >= struck_s), None)
    if before is None or after is None:
        return report.unknown(f"{probe} gave no number {'before' if before is None else 'once'} the fault had struck")
    actual = f"{before.value:g} when the fault struck, {after.value:g} right after"
    if min(float(before.value), float(after.value)) < least:  # type: ignore[arg-type]
        return report.unknown(f"{probe} was {actual}: too little waited that could have been lost", actual)
    return report.held(actual)
