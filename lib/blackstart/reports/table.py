"""A run as text for a terminal: facts, transitions, expectations, verdict last. Pure."""

import shlex
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from blackstart.base import printable
from blackstart.base.durations import shown
from blackstart.evidence.history import History
from blackstart.model.verdict import Verdict
from blackstart.reports import observation, observed, standing, stretches
from blackstart.reports.fate_section import BREAKER_HEADS, FATE_HEADS, breaker_rows, fate_rows, steps_text
from blackstart.reports.load_view import LoadRow
from blackstart.reports.standing import PROSE
from blackstart.reports.story import RunView
from blackstart.reports.words import hint, ms, result, verdict_says

_WIDEST = 120  # of a file, which is no terminal
_LOAD_HEADS = ("phase", "operation", "outcome", "count", "share", "per s", "p50 ms", "p95 ms", "p99 ms")


def lines(
    view: RunView,
    load: Sequence[LoadRow] = (),
    notes: Sequence[tuple[str, str]] = (),
    history: History | None = None,
    columns: int = _WIDEST,
) -> list[str]:
    """The whole report, without colours, in lines of `columns` signs where they are sentences and tables. With the
    load's history, what became of its requests phase by phase, too."""
    make = partial(_table, columns)
    parts = [
        _facts(view, columns),
        _prose(observation.lines(view), columns),
        make(_transitions(view), ("#", "what became true", "phase", "after", "limit", "between")),
        make(_findings(view), ("phase", "expectation", "result", "what was seen")),
        _prose(_hints(view), columns),
        _requests(view, load, history, make),
        make(stretches.rows(view, history), stretches.HEADS),
        make([(row.text, row.told) for row in observed.rows(view, history) if not row.part], ("observed", "")),
        make(breaker_rows(view), BREAKER_HEADS),
        _prose(filter(None, [steps_text(view)]), columns),
        _prose(_notes(view, notes), columns),
        _closing(view, columns),
    ]
    return [line for part in parts if part for line in ("", *part)][1:]


def text(view: RunView) -> str:
    """The report of what the record alone tells."""
    return printable.lines(lines(view))


def _facts(view: RunView, columns: int) -> list[str]:
    rows = [
        ("run", view.run if view.run_id == view.run else f"{view.run}, {view.run_id}"),
        ("began", view.began_text),
        ("lasted", shown(view.to_s - view.from_s)),
        ("target", f"{view.target['name']} ({view.target.get('api') or 'no API'})"),
        ("fault", ", ".join(change.what for change in view.changes) or "none"),
    ]
    if view.experiment:
        rows[1:1] = [("hypothesis", observation.hypothesis(view)), ("method", observation.method(view))]
    return printable.table(rows, columns=columns, tablefmt="plain", disable_numparse=True)


def _transitions(view: RunView) -> list[tuple[object, ...]]:
    return [
        (mark.number, mark.what, mark.phase, mark.after, mark.limit,
         f"{view.offset(mark.interval.from_s)} .. {view.offset(mark.interval.to_s)}")
        for mark in view.transitions
    ]  # fmt: skip


def _findings(view: RunView) -> list[tuple[object, ...]]:
    return [(f.phase, f.name, result(f), f.message) for f in view.judgement.findings]


def _hints(view: RunView) -> list[str]:
    return [f"where to look for {f.name}: {hint(f)}" for f in view.judgement.findings if hint(f)]


def _requests(
    view: RunView, load: Sequence[LoadRow], history: History | None, make: Callable[..., list[str]]
) -> list[str]:
    """One table: as a gateway's plan tells it where a breaker was looked at, else by operation and outcome."""
    rows = fate_rows(history, view) if history and breaker_rows(view) else []
    told = make(rows, FATE_HEADS) if rows else make(_load(load), _LOAD_HEADS)
    return ["requests, phase by phase (per s: while they flowed)", *told] if told else []


def _load(rows: Sequence[LoadRow]) -> list[tuple[object, ...]]:
    return [
        (r.phase, r.op, r.outcome, r.count, f"{r.share:.1%}", f"{r.rate_per_s:.1f}",
         *map(ms, (r.p50_ms, r.p95_ms, r.p99_ms)))
        for r in rows
    ]  # fmt: skip


def _notes(view: RunView, later: Sequence[tuple[str, str]]) -> list[str]:
    return [f"note {when}: {what}" for when, what in (*view.notes, *later)]


def _closing(view: RunView, columns: int) -> list[str]:
    judgement, stands = view.judgement, standing.of(view)
    damage = view.record.damage_text
    told = [damage] if damage else []
    told += [f"because: {reason}" for reason in stands.untold(judgement)]
    told.append(f"{judgement.verdict.sign} {judgement.verdict.shown}: {verdict_says(view)}")
    rows = [(label, text) for label, text in stands.rows() if label not in ("result", "evidence", "heal")]
    *rows, (again, _) = rows if rows and rows[-1][0].endswith("run again") else [*rows, ("run again", "")]
    told = _prose([*told, *(f"{label}: {text}" for label, text in rows if label in PROSE)], columns)
    told += [f"{label}: {text}" for label, text in rows if label not in PROSE]
    told.append(f"evidence: {view.where}/")
    if view.again:
        told.append(f"{again}: {view.again}")
    if judgement.verdict == Verdict.NOT_RESTORED and not view.mended_later:
        told.append(f"mend it: {view.heals}, or: sh {shlex.quote(str(view.where / 'HEAL.sh'))}")
    return told


def _table(columns: int, rows: Sequence[Sequence[object]], heads: Sequence[str]) -> list[str]:
    return printable.table(rows, heads, columns, disable_numparse=True) if rows else []


def _prose(texts: Iterable[str], columns: int) -> list[str]:
    return [line for text in texts for line in printable.wrapped(printable.one_line(text), columns, "    ")]
