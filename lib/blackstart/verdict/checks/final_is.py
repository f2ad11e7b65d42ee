"""A value of the final state is what it must be."""

from typing import Any

from blackstart.model.finding import shown
from blackstart.model.reading import Reading
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter


def final_is(
    evidence: Recorded, probe: str, wanted: Any, unless: str = "", unless_is: Any = None, before: str = ""
) -> CheckResult:
    """`unless` names a probe that tells an empty case: where it reads `unless_is` there was nothing to see, and where
    it was not read nobody knows. `before` names what read the same before anything was broken: a number that has not
    risen since then is left from before."""
    report = Reporter(f"{probe} is {wanted}")
    reading = evidence.final(probe)
    if reading is None or reading.kind != "value":
        seen = f"{reading.kind}: {reading.note}" if reading else "never collected"
        return report.unknown(f"not observable: {probe} was {seen}", seen)
    nothing = evidence.final(unless) if unless else None
    if unless and (nothing is None or nothing.kind != "value"):
        return report.unknown(f"whether there was anything is not known: {_seen(unless, nothing)}")
    if nothing is not None and nothing.value == unless_is:
        return report.unknown(f"there was nothing to see: {unless} is {unless_is}")
    if reading.value == wanted:
        return report.held(str(reading.value))
    if not before:
        return report.broke(f"{probe} is {reading.value}", str(reading.value))
    earlier = evidence.final(before)
    if earlier is None or earlier.number is None or reading.number is None:
        return report.unknown(f"{probe} is {reading.value}; whether it rose is not known: {_seen(before, earlier)}")
    seen = f"{reading.value}, and {earlier.value} before"
    return report.broke(f"{probe} is {seen}", seen) if reading.number > earlier.number else report.held(seen)


def _seen(before: str, reading: Reading | None) -> str:
    return f"{before} was never collected" if reading is None else shown(reading)
