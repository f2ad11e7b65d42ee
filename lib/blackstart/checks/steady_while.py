"""A counter does not move while a flag is set: no order is placed while trading is paused."""

from __future__ import annotations

from itertools import pairwise

from blackstart.checking import Evidence
from blackstart.checks.result import CheckResult, Reporter
from blackstart.model import Reading


def steady_while(evidence: Evidence, counter: str, flag: str, value: bool = True, slack_s: float = 0.25) -> CheckResult:
    """The counter between the first and the last reading of `flag` as `value`, without interruption.

    `slack_s` after the flag was first seen belongs to work that was under way when it was set.
    """
    report = Reporter("steady_while", f"{counter} steady while {flag} is {value}")
    spans = _spans(evidence.readings(flag), value)
    counts = [reading for reading in evidence.readings(counter) if reading.kind == "value"]
    looked = 0
    for from_s, to_s in spans:
        inside = [r for r in counts if r.sent_s >= from_s + slack_s and r.answered_s <= to_s]
        looked += max(0, len(inside) - 1)
        for before, after in pairwise(inside):
            if _number(after) > _number(before):
                rise = f"{counter} rose from {before.value} to {after.value} while {flag} was {value}"
                return report.broke(f"{rise}, {after.answered_s - from_s:.2f} s after it was set", rise)
    if not looked:
        return report.unknown(f"{counter} was not read twice while {flag} was {value}")
    return report.held(f"{looked + 1} readings without a rise")


def _spans(readings: list[Reading], value: bool) -> list[tuple[float, float]]:
    """The times during which the flag was certainly set: from the first reading's answer to the last one's sending."""
    spans: list[tuple[float, float]] = []
    inside: list[Reading] = []
    for reading in [*readings, None]:
        if reading is not None and reading.kind == "value" and reading.value is value:
            inside.append(reading)
            continue
        if len(inside) > 1:
            spans.append((inside[0].answered_s, inside[-1].sent_s))
        inside = []
    return spans


def _number(reading: Reading) -> float:
    return float(reading.value) if isinstance(reading.value, int | float) else 0.0
