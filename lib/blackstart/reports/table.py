"""A run as text for a terminal: facts, transitions, expectations, verdict last. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from blackstart.durations import shown
from blackstart.evidence.events import EventName
from blackstart.history import History
from blackstart.reports.fate_section import BREAKER_HEADS, FATE_HEADS, breaker_rows, fate_rows, steps_told
from blackstart.reports.load_view import LoadRow
from blackstart.reports.story import Story
from blackstart.reports.words import hint, result, verdict_says
from blackstart.verdicts import Verdict

_WIDEST = 60


def text(
    story: Story,
    load: Sequence[LoadRow] = (),
    notes: Sequence[tuple[str, str]] = (),
    history: History | None = None,
) -> str:
    """The whole report, without colours. With the load's history, what became of its requests phase by phase, too."""
    parts = [
        _facts(story),
        _transitions(story),
        _findings(story),
        _requests(story, load, history),
        _table(breaker_rows(story), BREAKER_HEADS),
        steps_told(story),
        _notes(story, notes),
        _closing(story),
    ]
    return "\n\n".join(part for part in parts if part)


def _facts(story: Story) -> str:
    rows = [
        ("run", story.run if story.run_id == story.run else f"{story.run}, {story.run_id}"),
        ("began", f"{story.utc(story.from_s):%Y-%m-%d} {story.utc_text(story.from_s)}"),
        ("lasted", shown(story.to_s - story.from_s)),
        ("target", f"{story.target['name']} ({story.target.get('api') or 'no API'})"),
        ("fault", ", ".join(change.what for change in story.changes) or "none"),
    ]
    if story.experiment:
        rows.insert(1, ("hypothesis", story.experiment.hypothesis))
    return tabulate(rows, tablefmt="plain", maxcolwidths=[None, 100], disable_numparse=True)


def _transitions(story: Story) -> str:
    rows = [
        (
            mark.number,
            mark.what,
            mark.phase,
            mark.after,
            f"{mark.within_s:g} s" if mark.within_s else "",
            f"{story.offset(mark.interval.from_s)} .. {story.offset(mark.interval.to_s)}",
        )
        for mark in story.transitions
    ]
    return _table(rows, ("#", "what became true", "phase", "after", "limit", "between"))


def _findings(story: Story) -> str:
    rows = [(f.phase, f.name, result(f), f.message) for f in story.judgement.findings]
    told = _table(rows, ("phase", "expectation", "result", "what was seen"))
    hints = [f"  where to look for {f.name}: {hint(f)}" for f in story.judgement.findings if hint(f)]
    return "\n".join([told, *hints]) if told else ""


def _requests(story: Story, load: Sequence[LoadRow], history: History | None) -> str:
    """One table: as a gateway's plan tells it where a breaker was looked at, else by operation and outcome."""
    rows = fate_rows(history, story) if history and breaker_rows(story) else []
    told = _table(rows, FATE_HEADS) if rows else _load(load)
    return f"requests, phase by phase (per s: while they flowed)\n{told}" if told else ""


def _load(rows: Sequence[LoadRow]) -> str:
    cells = [
        (
            r.phase,
            r.op,
            r.outcome,
            r.count,
            f"{r.share:.1%}",
            f"{r.rate_per_s:.1f}",
            *map(_ms, (r.p50_ms, r.p95_ms, r.p99_ms)),
        )
        for r in rows
    ]
    return _table(cells, ("phase", "operation", "outcome", "count", "share", "per s", "p50 ms", "p95 ms", "p99 ms"))


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _notes(story: Story, later: Sequence[tuple[str, str]]) -> str:
    said = [
        (story.utc_text(float(event["at"])), str(event.get("text", ""))) for event in story.record.of(EventName.NOTE)
    ]
    return "\n".join(f"note {when}: {what}" for when, what in (*said, *later))


def _closing(story: Story) -> str:
    judgement = story.judgement
    damage = story.record.damage_told
    lines = [f"  {damage}"] if damage else []
    lines += [f"  because: {reason}" for reason in judgement.reasons]
    lines.append(f"{judgement.verdict.sign} {judgement.verdict.shown}: {verdict_says(story)}")
    lines.append(f"evidence: {story.where}/")
    if story.again:
        lines.append(f"run again: {story.again}")
    if judgement.verdict == Verdict.NOT_RESTORED and not story.mended_later:
        lines.append(f"mend it: invoke chaos.heal, or: sh {story.where / 'HEAL.sh'}")
    return "\n".join(lines)


def _table(rows: Sequence[Sequence[object]], heads: Sequence[str]) -> str:
    if not rows:
        return ""
    widths: list[int | None] = [_WIDEST if rows and isinstance(cell, str) else None for cell in rows[0]]
    return str(tabulate(rows, headers=heads, disable_numparse=True, maxcolwidths=widths))
