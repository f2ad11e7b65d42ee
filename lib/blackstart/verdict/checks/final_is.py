"""A value of the final state is what it must be."""

from typing import Any

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter


def final_is(evidence: Recorded, probe: str, wanted: Any, unless: str = "", unless_is: Any = None) -> CheckResult:
    """`unless` names a probe that tells an empty case: where it reads `unless_is` there was nothing to see."""
    report = Reporter(f"{probe} is {wanted}")
    reading = evidence.final(probe)
    if reading is None or reading.kind != "value":
        seen = f"{reading.kind}: {reading.note}" if reading else "never collected"
        return report.unknown(f"not observable: {probe} was {seen}", seen)
    nothing = evidence.final(unless) if unless else None
    if unless and (nothing is None or nothing.value == unless_is):
        return report.unknown(f"there was nothing to see: {unless} is {unless_is}")
    if reading.value != wanted:
        return report.broke(f"{probe} is {reading.value}", str(reading.value))
    return report.held(str(reading.value))
