"""A run as text for a terminal: facts, transitions, expectations, verdict last. Pure."""

from collections.abc import Sequence

from blackstart.base import printable
from blackstart.base.durations import shown
from blackstart.base.state import invoke
from blackstart.evidence.history import History
from blackstart.model.verdict import Verdict
from blackstart.reports import observation, observed, standing, stretches
from blackstart.reports.fate_section import BREAKER_HEADS, FATE_HEADS, breaker_rows, fate_rows, steps_text
from blackstart.reports.load_view import LoadRow
from blackstart.reports.story import RunView
from blackstart.reports.words import hint, ms, result, verdict_says

_WIDEST = 60


def lines(
    view: RunView, load: Sequence[LoadRow] = (), notes: Sequence[tuple[str, str]] = (), history: History | None = None
) -> list[str]:
    """The whole report, without colours. With the load's history, what became of its requests phase by phase, too."""
    parts = [
        _facts(view),
        observation.lines(view),
        _transitions(view),
        _findings(view),
        _requests(view, load, history),
        _table(stretches.rows(view, history), stretches.HEADS),
        _table([(row.text, row.told) for row in observed.rows(view, history) if not row.part], ("observed", "")),
        _table(breaker_rows(view), BREAKER_HEADS),
        list(filter(None, [steps_text(view)])),
        _notes(view, notes),
        _closing(view),
    ]
    return [line for part in parts if part for line in ("", *part)][1:]


def text(view: RunView) -> str:
    """The report of what the record alone tells."""
    return printable.lines(lines(view))


def _facts(view: RunView) -> list[str]:
    rows = [
        ("run", view.run if view.run_id == view.run else f"{view.run}, {view.run_id}"),
        ("began", view.began_text),
        ("lasted", shown(view.to_s - view.from_s)),
        ("target", f"{view.target['name']} ({view.target.get('api') or 'no API'})"),
        ("fault", ", ".join(change.what for change in view.changes) or "none"),
    ]
    if view.experiment:
        rows[1:1] = [("hypothesis", observation.hypothesis(view)), ("method", observation.method(view))]
    return printable.table(rows, tablefmt="plain", maxcolwidths=[None, 100], disable_numparse=True)


def _transitions(view: RunView) -> list[str]:
    rows = [
        (mark.number, mark.what, mark.phase, mark.after, mark.limit,
         f"{view.offset(mark.interval.from_s)} .. {view.offset(mark.interval.to_s)}")
        for mark in view.transitions
    ]  # fmt: skip
    return _table(rows, ("#", "what became true", "phase", "after", "limit", "between"))


def _findings(view: RunView) -> list[str]:
    rows = [(f.phase, f.name, result(f), f.message) for f in view.judgement.findings]
    told = _table(rows, ("phase", "expectation", "result", "what was seen"))
    hints = [f"  where to look for {f.name}: {hint(f)}" for f in view.judgement.findings if hint(f)]
    return [*told, *hints] if told else []


def _requests(view: RunView, load: Sequence[LoadRow], history: History | None) -> list[str]:
    """One table: as a gateway's plan tells it where a breaker was looked at, else by operation and outcome."""
    rows = fate_rows(history, view) if history and breaker_rows(view) else []
    told = _table(rows, FATE_HEADS) if rows else _load(load)
    return ["requests, phase by phase (per s: while they flowed)", *told] if told else []


def _load(rows: Sequence[LoadRow]) -> list[str]:
    cells = [
        (r.phase, r.op, r.outcome, r.count, f"{r.share:.1%}", f"{r.rate_per_s:.1f}",
         *map(ms, (r.p50_ms, r.p95_ms, r.p99_ms)))
        for r in rows
    ]  # fmt: skip
    return _table(cells, ("phase", "operation", "outcome", "count", "share", "per s", "p50 ms", "p95 ms", "p99 ms"))


def _notes(view: RunView, later: Sequence[tuple[str, str]]) -> list[str]:
    return [f"note {when}: {what}" for when, what in (*view.notes, *later)]


def _closing(view: RunView) -> list[str]:
    judgement, stands = view.judgement, standing.of(view)
    damage = view.record.damage_text
    told = [f"  {damage}"] if damage else []
    told += [f"  because: {reason}" for reason in stands.untold(judgement)]
    told.append(f"{judgement.verdict.sign} {judgement.verdict.shown}: {verdict_says(view)}")
    told += [f"{label}: {text}" for label, text in stands.rows() if label not in ("result", "evidence", "next", "heal")]
    told.append(f"evidence: {view.where}/")
    if view.again:
        told.append(f"run again: {view.again}")
    if judgement.verdict == Verdict.NOT_RESTORED and not view.mended_later:
        told.append(f"mend it: {invoke()} chaos.heal, or: sh {view.where / 'HEAL.sh'}")
    return told


def _table(rows: Sequence[Sequence[object]], heads: Sequence[str]) -> list[str]:
    if not rows:
        return []
    widths: list[int | None] = [_WIDEST if isinstance(cell, str) else None for cell in rows[0]]
    return printable.table(rows, heads, disable_numparse=True, maxcolwidths=widths)
