"""Work waited when the fault struck: of an empty queue nobody has anything in hand."""

import math

from blackstart.evidence.events import EventName
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter


def queue_waited(evidence: Recorded, *, probe: str, least: float = 1.0) -> CheckResult:
    """`probe` was at least `least` in the last reading before the fault was seen in force, or was done if that came
    first, and in the first one after: so much was not done when it struck, but for what came in between. It says what
    the drill did, and accuses nobody: held or inconclusive."""
    report = Reporter(f"{probe} at least {least:g} when the fault struck")
    did = evidence.record.first(EventName.DID)
    if did is None:
        return report.unknown("the run did not get to the end of what was done")
    # What is revived at once may have worked off all of it before the last step of the fault is done.
    struck_s = min(float(did["at"]), math.inf if evidence.bit_s is None else evidence.bit_s)
    read = evidence.readings(probe)
    earlier = [one.number for one in read if one.answered_s <= struck_s and one.number is not None]
    before = earlier[-1] if earlier else None
    after = next((one.number for one in read if one.sent_s >= struck_s and one.number is not None), None)
    if before is None or after is None:
        return report.unknown(f"{probe} gave no number {'before' if before is None else 'once'} the fault had struck")
    actual = f"{before:g} when the fault struck, {after:g} right after"
    if min(before, after) < least:
        return report.unknown(f"{probe} was {actual}: too little waited that could have been lost", actual)
    return report.held(actual)
