"""The load of a run per phase and outcome, and over time, from its history. Pure.

A request belongs to the phase in which it was due, whenever it was answered. Latencies count from when it was due, so
that a system that stalls can't hide its stall behind requests that were sent late.
"""

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from blackstart.base.percentiles import percentiles_sql
from blackstart.evidence.history import History
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


def by_phase(history: History, phases: Sequence[Phase]) -> tuple[LoadRow, ...]:
    """A row per phase, operation and outcome, in that order; rows due outside of all phases are `between`."""
    phase, params = phase_sql(phases)
    found = history.ask(
        f"select {phase} as phase, op, outcome, sent, count(*), min(intended_s), max(intended_s), "
        f"{percentiles_sql('latency_ms', (50, 95, 99, 100))} from requests group by phase, op, outcome, sent",
        *params,
    )
    found.sort(key=lambda one: (*one[:2], OUTCOMES.index(_outcome(*one[2:4]))))
    made = []
    for (place, op), group in itertools.groupby(found, key=itemgetter(0, 1)):
        rows = list(group)
        of = sum(row[4] for row in rows)
        per_s = flow_per_s(of, min(row[5] for row in rows), max(row[6] for row in rows))
        name = phases[place].name if place < len(phases) else "between"
        for _, _, outcome, sent, count, _, _, figures in rows:
            share = count / of
            made.append(LoadRow(name, op, _outcome(outcome, sent), count, share, per_s * share, *(figures or [])))
    return tuple(made)


def flow_per_s(count: int, first_s: float, last_s: float) -> float:
    """The rate of so many requests over the time in which they flowed: a load that begins in the middle of a phase is
    not slower for it."""
    return (count - 1) / (last_s - first_s) if last_s > first_s else float(count)


def _outcome(outcome: str, sent: bool) -> str:
    return outcome if sent else "unsent"


def phase_sql(phases: Sequence[Phase]) -> tuple[str, list[float]]:
    """Which of the phases a request was due in, by its place from 0, and how many there are for none of them; and the
    parameters of that."""
    whens = " ".join(f"when intended_s >= ? and intended_s < ? then {place}" for place in range(len(phases)))
    times = [at_s for phase in phases for at_s in (phase.from_s, phase.to_s)]
    return f"case {whens or 'when false then 0'} else {len(phases)} end", times


def buckets(history: History, from_s: float, to_s: float) -> tuple[Bucket, ...]:
    """The requests over time in equal stretches of a round length, at most a hundred, with a few requests in each."""
    length_s = to_s - from_s
    due, lasted_s = history.one("select count(*), max(intended_s) - min(intended_s) from requests")
    if not due or length_s <= 0:
        return ()
    # A burst stays as sharp as it was; a steady trickle is not drawn as a comb.
    flows_s = max(lasted_s, 1e-3)
    fits = (step for step in _STEPS_S if length_s / step <= 100 and due * step / flows_s >= 8)
    width_s = next(fits, length_s)
    counts: list[Counter[str]] = [Counter() for _ in range(math.ceil(length_s / width_s))]
    found = history.ask(
        "select trunc((intended_s - ?) / ?)::bigint as place, outcome, sent, count(*) from requests "
        "group by all having place between 0 and ?",
        from_s, width_s, len(counts) - 1,
    )  # fmt: skip
    for place, outcome, sent, count in found:
        counts[place][_outcome(outcome, sent)] += count
    return tuple(
        Bucket(from_s + place * width_s, from_s + (place + 1) * width_s, count) for place, count in enumerate(counts)
    )
