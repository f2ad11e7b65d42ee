"""How the requests of each phase fared, as the original plan says it: served, by the fallback, failed fast. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from blackstart.base.percentiles import percentile
from blackstart.evidence.history import History, Row
from blackstart.model.system import System
from blackstart.reports.load_view import flow_per_s
from blackstart.reports.story import Phase


@dataclass(frozen=True)
class Fate:
    """The requests of one fate. Latencies in ms, counted from when each was due; None where nothing was answered."""

    name: str
    count: int
    share: float
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True)
class PhaseFigures:
    """One phase: how many requests were due in a second while the load flowed, what became of them, and how many were
    answered as the system promises."""

    phase: str
    count: int
    rate_per_s: float
    fates: tuple[Fate, ...]
    available: int = 0

    @property
    def sent(self) -> int:
        """How many of them were sent."""
        return self.count - sum(fate.count for fate in self.fates if fate.name == "unsent")

    @property
    def success(self) -> float:
        """The share that was served, or answered by the fallback."""
        return sum(fate.share for fate in self.fates if fate.name in ("served", "fallback"))


def fate(row: Row, system: System, usual: str = "") -> str:
    """What became of a request: by its status, and by what its answer says of itself, the history's `detail` (`usual`:
    as without a fault)."""
    if not row.sent:
        return "unsent"
    if row.outcome == "ok" and row.status != 429:
        other = row.detail not in ("", usual) if usual else row.detail in system.fallbacks
        return "fallback" if other else "served"
    return system.fates.get(row.status or 0, "failed")


def by_phase(history: History, phases: Sequence[Phase], system: System, usual: str = "") -> tuple[PhaseFigures, ...]:
    """The figures of every phase in which requests were due, in order."""
    made = []
    for phase in phases:
        rows = [row for row in history.rows if phase.from_s <= row.intended_s < phase.to_s]
        if rows:
            found = tuple(_fates(rows, system, usual))
            available = sum(each.count for each in found if each.name in system.available)
            made.append(PhaseFigures(phase.name, len(rows), flow_per_s(rows), found, available))
    return tuple(made)


def _fates(rows: Sequence[Row], system: System, usual: str) -> list[Fate]:
    made = []
    for name in dict.fromkeys(("served", "fallback", *system.fates.values(), "failed", "unsent")):
        chosen = [row for row in rows if fate(row, system, usual) == name]
        if chosen:
            waits = sorted(row.latency_ms for row in chosen if row.end_s is not None)
            figures = [percentile(waits, p) for p in (50, 95, 99)] if waits else [None] * 3
            made.append(Fate(name, len(chosen), len(chosen) / len(rows), *figures))
    return made
