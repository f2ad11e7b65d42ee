"""A run as text for a terminal: facts, transitions, expectations, verdict last. Pure."""

from collections.abc import Sequence

from tabulate import tabulate

from blackstart.base.durations import shown
from blackstart.evidence.history import History
from blackstart.model.verdict import Verdict
from blackstart.reports.fate_section import BREAKER_HEADS, FATE_HEADS, breaker_rows, fate_rows, steps_text
from blackstart.reports.load_view import LoadRow
from blackstart.reports.story import RunView
from blackstart.reports.words import hint, ms, result, verdict_says

_WIDEST = 60


def text(
    view: RunView, load: Sequence[LoadRow] = (), notes: Sequence[tuple[str, str]] = (), history: History | None = None
) -> str:
    """The whole report, without colours. With the load's history, what became of its requests phase by phase, too."""
    parts = [
        _facts(view),
        _transitions(view),
        _findings(view),
        _requests(view, load, history),
        _table(breaker_rows(view), BREAKER_HEADS),
        steps_text(view),
        _notes(view, notes),
        _closing(view),
    ]
    return "\n\n".join(part for part in parts if part)


def _facts(view: RunView) -> str:
    rows = [
        ("run", view.run if view.run_id == view.run else f"{view.run}, {view.run_id}"),
        ("began", view.began_text),
        ("lasted", shown(view.to_s - view.from_s)),
        ("target", f"{view.target['name']} ({view.target.get('api') or 'no API'})"),
        ("fault", ", ".join(change.what for change in view.changes) or "none"),
    ]
    if view.experiment:
        rows.insert(1, ("hypothesis", view.experiment.hypothesis))
    return tabulate(rows, tablefmt="plain", maxcolwidths=[None, 100], disable_numparse=True)


def _transitions(view: RunView) -> str:
    rows = [
        (mark.number, mark.what, mark.phase, mark.after, mark.limit,
         f"{view.offset(mark.interval.from_s)} .. {view.offset(mark.interval.to_s)}")
        for mark in view.transitions
    ]  # fmt: skip
    return _table(rows, ("#", "what became true", "phase", "after", "limit", "between"))


def _findings(view: RunView) -> str:
    rows = [(f.phase, f.name, result(f), f.message) for f in view.judgement.findings]
    told = _table(rows, ("phase", "expectation", "result", "what was seen"))
    hints = [f"  where to look for {f.name}: {hint(f)}" for f in view.judgement.findings if hint(f)]
    return "\n".join([told, *hints]) if told else ""


def _requests(view: RunView, load: Sequence[LoadRow], history: History | None) -> str:
    """One table: as a gateway's plan tells it where a breaker was looked at, else by operation and outcome."""
    rows = fate_rows(history, view) if history and breaker_rows(view) else []
    told = _table(rows, FATE_HEADS) if rows else _load(load)
    return f"requests, phase by phase (per s: while they flowed)\n{told}" if told else ""


def _load(rows: Sequence[LoadRow]) -> str:
    cells = [
        (r.phase, r.op, r.outcome, r.count, f"{r.share:.1%}", f"{r.rate_per_s:.1f}",
         *map(ms, (r.p50_ms, r.p95_ms, r.p99_ms)))
        for r in rows
    ]  # fmt: skip
    return _table(cells, ("phase", "operation", "outcome", "count", "share", "per s", "p50 ms", "p95 ms", "p99 ms"))


def _notes(view: RunView, later: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f"note {when}: {what}" for when, what in (*view.notes, *later))


def _closing(view: RunView) -> str:
    judgement = view.judgement
    damage = view.record.damage_text
    lines = [f"  {damage}"] if damage else []
    lines += [f"  because: {reason}" for reason in judgement.reasons]
    lines.append(f"{judgement.verdict.sign} {judgement.verdict.shown}: {verdict_says(view)}")
    lines.append(f"evidence: {view.where}/")
    if view.again:
        lines.append(f"run again: {view.again}")
    if judgement.verdict == Verdict.NOT_RESTORED and not view.mended_later:
        lines.append(f"mend it: invoke chaos.heal, or: sh {view.where / 'HEAL.sh'}")
    return "\n".join(lines)


def _table(rows: Sequence[Sequence[object]], heads: Sequence[str]) -> str:
    if not rows:
        return ""
    widths: list[int | None] = [_WIDEST if isinstance(cell, str) else None for cell in rows[0]]
    return str(tabulate(rows, headers=heads, disable_numparse=True, maxcolwidths=widths))
