"""The load of a run per phase and outcome, and over time, from its history. Pure.

A request belongs to the phase in which it was due, whenever it was answered. Latencies count from when it was due, so
that a system that stalls can't hide its stall behind requests that were sent late.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from blackstart.base.percentiles import percentile
from blackstart.evidence.history import History, Row
from blackstart.reports.story import Phase

_STEPS_S = (0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 30, 60)
OUTCOMES = ("ok", "fail", "info", "unsent")
MEANING = {
    "ok": "acknowledged",
    "fail": "certainly did not happen",
    "info": "unknown: no answer, or none that tells",
    "unsent": "was due and never sent",
}


@dataclass(frozen=True)
class LoadRow:
    """One operation in one phase with one outcome. Latencies in ms; None where nothing was sent."""

    phase: str
    op: str
    outcome: str
    count: int
    share: float
    rate_per_s: float
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None


@dataclass(frozen=True)
class Bucket:
    """What was due between `from_s` and `to_s`, by outcome."""

    from_s: float
    to_s: float
    counts: Counter[str]


def outcome(row: Row) -> str:
    """The outcome as it is shown: a request that was never sent is told from one that was turned down."""
    return row.outcome if row.sent else "unsent"


def by_phase(history: History, phases: Sequence[Phase]) -> tuple[LoadRow, ...]:
    """A row per phase, operation and outcome, in that order; rows due outside of all phases are `between`."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in history.rows:
        groups.setdefault((_phase(row.intended_s, phases), row.op), []).append(row)
    order = {phase.name: place for place, phase in enumerate(phases)}
    made: list[LoadRow] = []
    for (phase_name, op), rows in sorted(groups.items(), key=lambda item: (order.get(item[0][0], 99), item[0][1])):
        for word in OUTCOMES:
            chosen = [row for row in rows if outcome(row) == word]
            if chosen:
                made.append(_row(phase_name, op, word, chosen, len(rows), flow_per_s(rows)))
    return tuple(made)


def _phase(at_s: float, phases: Sequence[Phase]) -> str:
    return next((phase.name for phase in phases if phase.from_s <= at_s < phase.to_s), "between")


def _row(phase: str, op: str, word: str, rows: Sequence[Row], of: int, flow: float) -> LoadRow:
    latencies = sorted(row.latency_ms for row in rows if row.end_s is not None)
    figures = [percentile(latencies, p) for p in (50, 95, 99, 100)] if latencies else [None] * 4
    return LoadRow(phase, op, word, len(rows), len(rows) / of, flow * len(rows) / of, *figures)


def flow_per_s(rows: Sequence[Row]) -> float:
    """Over the time in which they flowed: a load that begins in the middle of a phase is not slower for it."""
    due = [row.intended_s for row in rows]
    lasted_s = max(due) - min(due)
    return (len(rows) - 1) / lasted_s if lasted_s > 0 else float(len(rows))


def buckets(history: History, from_s: float, to_s: float) -> tuple[Bucket, ...]:
    """The requests over time in equal stretches of a round length, at most a hundred, with a few requests in each."""
    length_s = to_s - from_s
    if not history.rows or length_s <= 0:
        return ()
    due = [row.intended_s for row in history.rows]
    # A burst stays as sharp as it was; a steady trickle is not drawn as a comb.
    flows_s = max(max(due) - min(due), 1e-3)
    fits = (step for step in _STEPS_S if length_s / step <= 100 and len(due) * step / flows_s >= 8)
    width_s = next(fits, length_s)
    counts: list[Counter[str]] = [Counter() for _ in range(math.ceil(length_s / width_s))]
    for row in history.rows:
        place = int((row.intended_s - from_s) / width_s)
        if 0 <= place < len(counts):
            counts[place][outcome(row)] += 1
    return tuple(
        Bucket(from_s + place * width_s, from_s + (place + 1) * width_s, count) for place, count in enumerate(counts)
    )
