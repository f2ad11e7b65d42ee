"""A value of the final state is what it must be."""

from __future__ import annotations

from typing import Any

from blackstart.checking import Evidence
from blackstart.checks.result import CheckResult, Reporter


def final_is(evidence: Evidence, probe: str, wanted: Any, unless: str = "", unless_is: Any = None) -> CheckResult:
    """`unless` names a probe that tells an empty case: where it reads `unless_is` there was nothing to see."""
    report = Reporter("final_is", f"{probe} is {wanted}")
    reading = evidence.final(probe)
    if reading is None or reading.kind != "value":
        seen = f"{reading.kind}: {reading.note}" if reading else "never collected"
        return Ruling("inconclusive", f"not observable: {probe} was {seen}", expected, seen)
    nothing = evidence.final(unless) if unless else None
    if nothing is not None and nothing.value == unless_is:
        return Ruling("inconclusive", f"there was nothing to see: {unless} is {unless_is}", expected)
    status = "held" if reading.value == wanted else "broke"
    return Ruling(status, f"{probe} is {reading.value}", expected, str(reading.value))  # type: ignore[arg-type]
