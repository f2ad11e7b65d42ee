"""How the requests of each phase fared, as the original plan says it: served, by the fallback, failed fast. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from blackstart.base.percentiles import percentiles_sql
from blackstart.evidence.history import History
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


def fate_sql(system: System, usual: str = "") -> tuple[str, list[object]]:
    """What became of a request, and the parameters of that: by its status, and by what its answer says of itself, the
    history's `detail` (`usual`: as without a fault)."""
    other = "detail not in ('', ?)" if usual else "detail in ?::varchar[]"
    words = " ".join(f"when status = {int(status)} then ?" for status in system.fates)
    return (
        "case when not sent then 'unsent' when outcome = 'ok' and status is distinct from 429 "
        f"then if({other}, 'fallback', 'served') {words} else 'failed' end"
    ), [usual or list(system.fallbacks), *system.fates.values()]


def by_phase(history: History, phases: Sequence[Phase], system: System, usual: str = "") -> tuple[PhaseFigures, ...]:
    """The figures of every phase in which requests were due, in order."""
    names = tuple(dict.fromkeys(("served", "fallback", *system.fates.values(), "failed", "unsent")))
    what, params = fate_sql(system, usual)
    made = []
    for phase in phases:
        rows = history.due(phase.from_s, phase.to_s)
        count, *flowed = rows.one("select count(*), min(intended_s), max(intended_s) from requests")
        found = rows.ask(
            f"select {what} as fate, count(*), {percentiles_sql('latency_ms', (50, 95, 99))} "
            "from requests group by fate",
            *params,
        )
        found.sort(key=lambda one: names.index(one[0]))
        fates = tuple(Fate(name, of, of / count, *(figures or [])) for name, of, figures in found)
        if count:
            available = sum(each.count for each in fates if each.name in system.available)
            made.append(PhaseFigures(phase.name, count, flow_per_s(count, *flowed), fates, available))
    return tuple(made)
