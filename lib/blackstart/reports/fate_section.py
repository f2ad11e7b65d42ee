"""The part of a run's page about what became of its requests in each phase, and what its breaker did. Pure."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from blackstart.evidence.history import History
from blackstart.reports import breaker, fates, gauges
from blackstart.reports.sections import section, table
from blackstart.reports.story import RunView
from blackstart.reports.words import ms

FATE_HEADS = ("phase", "per s", "success", "outcome", "requests", "share", "P50 ms", "P95 ms", "P99 ms")
BREAKER_HEADS = ("breaker", "by (from the start)", "by (UTC)")


def fate_rows(history: History, view: RunView) -> list[tuple[str, ...]]:
    """A row per phase and fate; rate and success rate are the phase's."""
    return [
        (each.phase, f"{each.rate_per_s:.1f}", f"{each.success:.1%}", fate.name, str(fate.count), f"{fate.share:.1%}",
         *map(ms, (fate.p50_ms, fate.p95_ms, fate.p99_ms)))
        for each in fates.by_phase(history, view.phases, view.system, view.usual)
        for fate in each.fates
    ]  # fmt: skip


def breaker_rows(view: RunView) -> list[tuple[str, ...]]:
    return [(c.state, view.offset(c.at_s), view.utc_text(c.at_s)) for c in breaker.changes(view)]


def steps_text(view: RunView) -> str:
    """How long the breaker took to each step; empty where none was looked at."""
    seen = breaker.changes(view)
    if not seen:
        return ""
    took = breaker.steps(view, seen)
    if not took.opened:
        return "Breaker: it was never seen open under the fault, nor after it."
    parts = [
        f"open {_s(took.to_open_s)} after the fault took effect"
        if took.to_open_s is not None
        else "open after the undo",
        f"half-open {_s(took.to_half_open_s)} after the undo began",
        f"closed for good {_s(took.to_closed_s)} after it",
    ]
    return f"Breaker: {'; '.join(parts)}."


def fate_section(view: RunView, history: History | None) -> Element | None:
    """Both tables; None for a run without a load and without a breaker."""
    rows, changed = fate_rows(history, view) if history else [], breaker_rows(view)
    if not rows and not changed:
        return None
    parts: Sequence[Element | None] = (
        table(FATE_HEADS, rows, "numbers") if rows else None,
        table(BREAKER_HEADS, changed, "numbers", steps_text(view)) if changed else None,
    )
    return section("What became of the requests, phase by phase", list(parts), id_="fates")


def gauge_section(view: RunView) -> Element | None:
    """What the system needed in each phase: processor, workers, memory; None where nothing of it was read."""
    rows = [(each.phase, each.name, *gauges.figures(each)) for each in gauges.by_phase(view)]
    if not rows:
        return None
    return section("What it needed, phase by phase", table(gauges.HEADS, rows, "numbers"), id_="gauges")


def _s(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"
