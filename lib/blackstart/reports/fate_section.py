"""The part of a run's page about what became of its requests in each phase, and what its breaker did. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from blackstart.history import History
from blackstart.reports import breaker, fates, gauges
from blackstart.reports.sections import section, table
from blackstart.reports.story import Story

FATE_HEADS = ("phase", "per s", "success", "outcome", "requests", "share", "P50 ms", "P95 ms", "P99 ms")
BREAKER_HEADS = ("breaker", "by (from the start)", "by (UTC)")


def fate_rows(history: History, story: Story) -> list[tuple[str, ...]]:
    """A row per phase and fate; rate and success rate are the phase's."""
    return [
        (each.phase, f"{each.rate_per_s:.1f}", f"{each.success:.1%}", fate.name, str(fate.count), f"{fate.share:.1%}",
         *map(_ms, (fate.p50_ms, fate.p95_ms, fate.p99_ms)))
        for each in fates.by_phase(history, story.phases, story.system, story.usual)
        for fate in each.fates
    ]  # fmt: skip


def breaker_rows(story: Story) -> list[tuple[str, ...]]:
    """A row per change of the breaker."""
    return [(c.state, story.offset(c.at_s), story.utc_text(c.at_s)) for c in breaker.changes(story)]


def steps_told(story: Story) -> str:
    """How long the breaker took to each step; empty where none was looked at."""
    seen = breaker.changes(story)
    if not seen:
        return ""
    took = breaker.steps(story, seen)
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


def fate_section(story: Story, history: History | None) -> Element | None:
    """Both tables; None for a run without a load and without a breaker."""
    rows, changed = fate_rows(history, story) if history else [], breaker_rows(story)
    if not rows and not changed:
        return None
    parts: Sequence[Element | None] = (
        table(FATE_HEADS, rows, "numbers") if rows else None,
        table(BREAKER_HEADS, changed, "numbers", steps_told(story)) if changed else None,
    )
    return section("What became of the requests, phase by phase", list(parts), id_="fates")


def gauge_section(story: Story) -> Element | None:
    """What the system needed in each phase: processor, workers, memory; None where nothing of it was read."""
    rows = [(each.phase, each.name, *gauges.figures(each)) for each in gauges.by_phase(story)]
    if not rows:
        return None
    return section("What it needed, phase by phase", table(gauges.HEADS, rows, "numbers"), id_="gauges")


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _s(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"
