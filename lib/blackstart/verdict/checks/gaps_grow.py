"""Repeated attempts come further and further apart: a backoff that really grows."""

import math
from itertools import pairwise

from blackstart.model.finding import Interval
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.lateness import SHARED_PER_CPU

_LEAST_STEPS = 3


def gaps_grow(
    evidence: Recorded, counter: str, backoff_s: tuple[float, ...], jitter_s: float, refresh_s: float, assumed: str = ""
) -> CheckResult:
    """Judged from the moments at which `counter` (failed attempts) was seen to rise while the fault was in force.

    More attempts than the declared backoff allows, or gaps that certainly do not grow, break it. The gaps are
    intervals: each rise lies between two readings. Late time stretches gaps, but makes no attempts. How long an
    attempt takes is part of its gap, and a single slow one, as the first after the loss, hides no growth. A counter
    that falls meanwhile leaves it open: it is not one count.
    """
    report = Reporter(f"gaps between rises of {counter} grow, as {', '.join(f'{gap:g}' for gap in backoff_s)} s do")
    start_s, end_s = evidence.began_s("fault"), evidence.began_s("recovery")
    if start_s is None or end_s is None:
        return report.unknown("there was no fault to back off from")
    rises, count, fell = _rises(evidence, counter, start_s, end_s)
    if fell:
        return report.unknown(f"{fell}: whoever counts was started anew, or is not always the same one")
    allowed = _allowed(backoff_s, end_s - start_s)
    lasted = f"{count:g} attempts in {end_s - start_s:.1f} s, the backoff allows {allowed}"
    if count > allowed and not assumed:
        return report.broke(lasted, f"{count:g}")
    gaps = [(later.from_s - earlier.to_s, later.to_s - earlier.from_s) for earlier, later in pairwise(rises)]
    shown = ", ".join(f"{low:.2f}..{high:.2f}" for low, high in gaps) or "none"
    if len(rises) < _LEAST_STEPS:
        return report.unknown(f"only {len(rises)} failed attempts were seen; hold the fault longer", shown)
    if gaps[-1][0] >= 1.3 * gaps[0][1] or _grows_as_declared(gaps, backoff_s):
        return report.held(f"gaps of {shown} s")
    if gaps[-1][1] < 1.3 * (gaps[0][0] if assumed else max(gaps[0][0], backoff_s[0] / 2)):
        seen = f"the gaps do not grow: {shown} s"
        # What others may have had of the processors in the first gap, and not in the last one, made it longer.
        had_s = [
            evidence.lateness.crowded_s(earlier.from_s, later.to_s, SHARED_PER_CPU)
            for earlier, later in pairwise(rises)
        ]
        first_s = gaps[0][0] - max(0.0, had_s[0] - had_s[-1])
        if gaps[-1][1] >= 1.3 * (first_s if assumed else max(first_s, backoff_s[0] / 2)):
            others = evidence.lateness.told(rises[0].from_s, rises[1].to_s, SHARED_PER_CPU)
            return report.unknown(f"{seen}; but in the first one {others}", shown)
        late = evidence.lateness.told(start_s, end_s)
        return report.unknown(f"{seen}; {late}", shown) if late else report.broke(seen, shown)
    if assumed and count > allowed:
        return report.unknown(f"{lasted}, but {assumed}", shown)
    return report.unknown(f"the readings can't tell whether the gaps grow: {shown} s", shown)


def _grows_as_declared(gaps: list[tuple[float, float]], backoff_s: tuple[float, ...]) -> bool:
    """No gap is certainly shorter than its declared pause, and the last is certainly longer than one before it."""
    declared = (backoff_s[min(step, len(backoff_s) - 1)] for step in range(len(gaps)))
    as_long = all(high >= pause_s for (_, high), pause_s in zip(gaps, declared, strict=True))
    return as_long and gaps[-1][0] >= 1.3 * min(high for _, high in gaps[:-1])


def _rises(evidence: Recorded, counter: str, start_s: float, end_s: float) -> tuple[list[Interval], float, str]:
    """When the counter rose, and by how much altogether; and how it fell, "" where it did not.

    A counter that was absent before it first rose was at 0. From then on what shows no number says nothing of it.
    """
    rises: list[Interval] = []
    total, fell = 0.0, ""
    last: float | None = None
    last_sent_s: float | None = None
    for reading in evidence.readings(counter):
        value = reading.number
        if last is None and (reading.kind == "absent" or (reading.kind == "value" and reading.value is None)):
            last_sent_s = reading.sent_s
        if value is None or not math.isfinite(value) or reading.answered_s > end_s:
            continue
        before = last or 0.0
        if last_sent_s is not None and reading.answered_s > start_s and value > before:
            rises.append(Interval(last_sent_s, reading.answered_s))
            total += value - before
        elif reading.answered_s > start_s and value < before:
            fell = fell or f"{counter} fell from {before:g} to {value:g}"
        last, last_sent_s = value, reading.sent_s
    return rises, total, fell


def _allowed(backoff_s: tuple[float, ...], time_s: float) -> int:
    """Attempts within `time_s` at the declared backoff without jitter: the loss, one per gap, and one to spare."""
    count, spent_s, step = 2, 0.0, 0
    while (spent_s := spent_s + float(backoff_s[min(step, len(backoff_s) - 1)])) <= time_s:
        count, step = count + 1, step + 1
    return count
