"""Counters do not move while a flag is set: no order is placed while trading is paused."""

import math
from itertools import pairwise
from statistics import median

from blackstart.model.expect import same_value
from blackstart.model.reading import Reading, Scalar
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.doubts import MOST_UNSEEN_PART
from blackstart.verdict.expectation_monitor import GAP_LEAST_S, GAP_TICKS

Span = tuple[float, float]

# A write that was under way may hang in a store whose disk is busy for so long.
_STRAGGLES_S = 1.0


def steady_while(
    evidence: Recorded, counters: tuple[str, ...], flag: str, value: bool = True, slack_s: float = 0.25
) -> CheckResult:
    """Each counter between the first and the last reading of `flag` as `value`, without interruption.

    `slack_s` after the flag was first seen belongs to work that was under way when it was set, and so does one rise
    after that, within a second: a straggler. Any of them that rises else breaks it. One that could not be read twice
    meanwhile, or not for half of the time and longer than a straggler takes, leaves it open: what it would have shown
    is not known. So does one that rose between two readings of which the second alone came after that second.
    """
    report = Reporter(f"{' and '.join(counters)} steady while {flag} is {value}")
    spans = spans_of(evidence.readings(flag), value)
    looked: dict[str, int] = {}
    seen_s = dict.fromkeys(counters, 0.0)
    unclear: dict[str, str] = {}
    for counter in counters:
        numbers = _numbers(evidence.readings(counter))
        for from_s, to_s in spans:
            inside = [one for one in numbers if one.sent_s >= from_s + slack_s and one.answered_s <= to_s]
            rises = [(before, after) for before, after in pairwise(inside) if _number(after) > _number(before)]
            straggles_s = from_s + max(slack_s, _STRAGGLES_S)
            for number, (before, after) in enumerate(rises):
                rise = f"{counter} rose from {before.value} to {after.value} while {flag} was {value}"
                late_s = after.answered_s - from_s
                if number or before.sent_s >= straggles_s:
                    return report.broke(f"{rise}, {late_s:.2f} s after it was set", rise)
                if after.answered_s > straggles_s:
                    unclear[counter] = f"{rise}, {before.sent_s - from_s:.2f} to {late_s:.2f} s after it was set"
            if len(inside) > 1 and not (rises and inside[-1].answered_s <= straggles_s):
                looked[counter] = looked.get(counter, 0) + len(inside)
                seen_s[counter] += _seen_s(numbers, inside, from_s + slack_s)
    blind = [counter for counter in counters if counter not in looked]
    if blind:
        told = "; ".join(f"{counter}{_last_seen(evidence.readings(counter))}" for counter in blind)
        return report.unknown(f"not observable: could not be read twice while {flag} was {value}: {told}")
    if unclear:
        return report.unknown(f"{'; '.join(unclear.values())}, which may have been under way")
    for counter in counters:
        readings = evidence.readings(counter)
        shown_s = _numbers(readings)[0].answered_s
        # Many a counter is not there before it counts for the first time: a pause that was over by then moved nothing.
        lasted_s = sum(max(0.0, to_s - from_s - slack_s) for from_s, to_s in spans if to_s > shown_s)
        if lasted_s - seen_s[counter] > max(allowed_gap_s(readings), MOST_UNSEEN_PART * lasted_s):
            seen = f"{counter} for {seen_s[counter]:.1f} s{_last_seen(readings)}"
            return report.unknown(f"{flag} was {value} for {lasted_s:.1f} s, and could be seen meanwhile: {seen}")
    return report.held(", ".join(f"{count} readings of {counter}" for counter, count in looked.items()))


def _last_seen(readings: list[Reading]) -> str:
    """What the last reading was, where it was none that counts."""
    if not readings:
        return " (never read)"
    last = readings[-1]
    if last.kind == "value":
        return "" if _is_number(last) else f" (was {last.value!r}, no number)"
    return f" ({last.kind.replace('_', ' ')}{f': {last.note}' if last.note else ''})"


def _numbers(readings: list[Reading]) -> list[Reading]:
    """A null is none yet, and the first number after it is a rise; from then on it says nothing of the number."""
    numbers = [reading for reading in readings if reading.kind == "value" and _is_number(reading)]
    began = next((at for at, reading in enumerate(numbers) if reading.value is not None), len(numbers))
    return [*numbers[:began], *(reading for reading in numbers[began:] if reading.value is not None)]


def _seen_s(numbers: list[Reading], inside: list[Reading], since_s: float) -> float:
    """For how long, at most since then, it is known how far it had counted: what was the same before it was lost from
    sight, and is so again, did not move meanwhile."""
    before = [one for one in numbers if one.sent_s < inside[0].sent_s]
    the_same = before and _number(before[-1]) == _number(inside[0])
    return inside[-1].answered_s - (since_s if the_same else inside[0].sent_s)


def spans_of(readings: list[Reading], value: Scalar) -> list[Span]:
    """The times during which it certainly was so: from the first reading's answer to the last one's sending, without a
    gap in which it may have been otherwise."""
    return [(inside[0].answered_s, inside[-1].sent_s) for inside in stretches_of(readings, value)]


def stretches_of(readings: list[Reading], value: Scalar) -> list[list[Reading]]:
    """The readings of each of these times: two of them, or more."""
    allowed_s = allowed_gap_s(readings)
    stretches: list[list[Reading]] = []
    inside: list[Reading] = []
    for reading in [*readings, None]:
        so = reading is not None and reading.kind == "value" and same_value(reading.value, value)
        if reading is not None and so and (not inside or reading.sent_s - inside[-1].answered_s <= allowed_s):
            inside.append(reading)
            continue
        if len(inside) > 1:
            stretches.append(inside)
        inside = [reading] if reading is not None and so else []
    return stretches


def allowed_gap_s(readings: list[Reading]) -> float:
    """How long nobody may have looked: some targets are seldom read."""
    gaps_s = [later.sent_s - earlier.answered_s for earlier, later in pairwise(readings)]
    return max(GAP_LEAST_S, GAP_TICKS * median(gaps_s)) if gaps_s else 0.0


def _is_number(reading: Reading) -> bool:
    value = reading.value
    return value is None or (isinstance(value, int | float) and math.isfinite(value))


def _number(reading: Reading) -> float:
    return float(reading.value) if isinstance(reading.value, int | float) else 0.0
