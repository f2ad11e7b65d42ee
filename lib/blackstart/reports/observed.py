"""What a run did and saw, row by row, as its experiment asks for it: a check list, and `observed_results.md`. Pure.

A row's `shows` is a function of this module's table, which is given the run and the row's params. What it does not find
in the record is `not observed`, and its box is left open: never a number that nobody saw.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from blackstart.base.durations import shown
from blackstart.base.errors import did_you_mean
from blackstart.evidence.events import EventName
from blackstart.evidence.history import History, none
from blackstart.evidence.journal import Event
from blackstart.model.experiment import EvidenceRow
from blackstart.model.finding import NOT_OBSERVED, Finding
from blackstart.model.verdict import Verdict
from blackstart.reports import fates, figures
from blackstart.reports.story import RunView
from blackstart.reports.words import number, result
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.state import Missing, number_in, present, selected, tallied

# A step that lasted longer is told with its beginning and its end.
_AT_ONCE_S = 0.2


@dataclass(frozen=True)
class Row:
    """A row as it is shown. `done` is whether it was looked at and seen, whatever it came to."""

    part: str
    text: str
    told: str
    done: bool


@dataclass(frozen=True)
class _Run:
    """A run as rows ask for it. Times of the test are told as T+… (see `zero`)."""

    view: RunView
    recorded: Recorded

    @cached_property
    def from_s(self) -> float:
        return zero(self.view, self.recorded.history)[0]

    @cached_property
    def phases(self) -> tuple[fates.PhaseFigures, ...]:
        return fates.by_phase(self.recorded.history, self.view.phases, self.view.system, self.view.usual)

    def after(self, at_s: float) -> str:
        return f"T+{at_s - self.from_s:.1f}s"

    def at(self, event: Event) -> str:
        return self.after(float(event["at"]))

    def finding(self, name: str) -> Finding | None:
        return next((one for one in self.view.judgement.findings if one.name == name), None)


class _NotDone(Exception):
    """It was seen not to be so; the message says what was seen."""


def zero(view: RunView, history: History | None) -> tuple[float, str]:
    """When T+0 is, and in words: of a schedule its beginning, else when the first request was due."""
    if view.times.did_s is not None and view.monitors is not None and view.monitors.scheduled:
        return view.times.did_s, "when the schedule began"
    first_s = history.one("select min(intended_s) from requests")[0] if history else None
    return (view.from_s, "when the run began") if first_s is None else (first_s, "when the first request was due")


def rows(view: RunView, history: History | None) -> tuple[Row, ...]:
    """The rows that the experiment asks for, in its order."""
    run = _Run(view, Recorded(history or none(), view.record))
    return tuple(_row(run, asked) for asked in (view.experiment.evidence_rows if view.experiment else ()))


def _row(run: _Run, asked: EvidenceRow) -> Row:
    try:
        told = SHOWN[asked.shows](run, **asked.params)
    except _NotDone as undone:
        return Row(asked.part, asked.text, str(undone), False)
    except Missing as missing:
        told = f"{NOT_OBSERVED}: {missing}"
    except (KeyError, TypeError) as error:  # a record of another version
        told = f"{NOT_OBSERVED}: it can't be told by {asked.shows} ({type(error).__name__}: {error})"
    return Row(asked.part, asked.text, told, not told.startswith(NOT_OBSERVED))


def wrong(asked: EvidenceRow) -> str:
    """Why no run could ever tell that row; "" where one may."""
    if asked.shows not in SHOWN:
        return f'nothing shows "{asked.shows}".{did_you_mean(asked.shows, SHOWN)}'
    try:
        inspect.signature(SHOWN[asked.shows]).bind(None, **asked.params)
    except TypeError as error:
        return f"{asked.shows}: {error}"
    return ""


def _prepared(run: _Run) -> str:
    """Every step that was to be done beforehand, as far as it succeeded: a failed one ends the run."""
    began_s = run.view.times.did_s
    steps = run.view.experiment.prepare if run.view.experiment else ()
    done = [one for one in run.view.record.of(EventName.STEP) if began_s is None or one["at"] < began_s]
    if not steps or len(done) < len(steps):
        raise Missing(f"{len(done)} of {len(steps)} steps were done")
    return "; ".join(f"{one['step']} → {one['code']}" for one in done[: len(steps)])


def _found(run: _Run, names: Sequence[str]) -> str:
    """What expectations or checks came to."""
    found = [(name, run.finding(name)) for name in names]
    unseen = [name for name, one in found if one is None or one.status == Verdict.INCONCLUSIVE]
    if unseen:
        raise Missing("; ".join(f"{name}: {_why(one)}" for name, one in found if name in unseen))
    return "; ".join(f"{name} {result(one)}: {one.actual or one.message}" for name, one in found if one is not None)


def _why(finding: Finding | None) -> str:
    return finding.message if finding else "it was never looked at"


def _reading(run: _Run, probe: str, wanted: object, unit: str = "") -> str:
    """What a probe read last before the fault. Raises _NotDone where that is not as it was to be."""
    until_s = run.view.times.did_s or run.view.to_s
    last = next((r for r in reversed(run.recorded.readings(probe)) if r.answered_s <= until_s), None)
    if last is None or last.kind != "value":
        raise Missing(f"{probe} was {last.kind}: {last.note}" if last else f"{probe} was never read")
    if last.value != wanted:
        raise _NotDone(f"{last.value} {unit}, not {wanted}")
    return f"{last.value} {unit}".rstrip()


def _followed(run: _Run, probe: str) -> str:
    """How often a probe was read from the fault to the end, and between what numbers."""
    from_s = run.view.times.did_s
    seen = [r for r in run.recorded.readings(probe) if from_s is not None and r.sent_s >= from_s]
    numbers = [r.number for r in seen if r.number is not None]
    if not numbers:
        raise Missing(f"{probe} gave no number from the fault on")
    unread = len(seen) - len(numbers)
    told = f"{len(seen)} readings, {number(min(numbers))} to {number(max(numbers))}"
    return f"{told}; {unread} of them without a number" if unread else told


def _answers(run: _Run, phase: str = "") -> str:
    """How often each status was answered, in a phase or in all of the run."""
    if phase and phase not in run.recorded.phases:
        raise Missing(f"the run did not get to the end of the phase {phase}")
    from_s, to_s = run.recorded.phases[phase] if phase else (run.view.from_s, run.view.to_s)
    sent = run.recorded.history.due(from_s, to_s).where("start_s is not null")
    seen = sent.ask("select status, count(*) from requests group by status")
    if not seen:
        raise Missing("nothing was sent")
    statuses = {str(status or "no answer"): count for status, count in seen}
    return ", ".join(f"{count} × {word}" for word, count in sorted(statuses.items()))


def _moment(run: _Run, side: str, by: str = "") -> str:
    """When the changes were made (`do`) or undone (`undo`), or `by` itself before that (see `figures.mended_s`)."""
    came_s = figures.mended_s(run.view, by)
    if by and came_s is not None and came_s != run.view.times.undid_s:
        return f"{run.after(came_s)}, by itself"
    begin, end = (EventName.DO, EventName.DID) if side == "do" else (EventName.UNDO, EventName.UNDONE)
    ended = {event["change"]: event for event in run.view.record.of(end)}
    began = run.view.record.of(begin)
    if not began:
        raise Missing("the run did not get there")
    told = ", ".join(_when(run, event, ended.get(event["change"]), len(began) > 1) for event in began)
    bit_s = run.view.times.bit_s
    # What is done in several steps, as a pause, a lock and a kill, takes effect at one moment of that time.
    return f"{run.after(bit_s)} ({told})" if side == "do" and " to " in told and bit_s else told


def _when(run: _Run, began: Event, ended: Event | None, named: bool) -> str:
    what = f" ({began['what']})" if named else ""
    if ended is None:
        return f"{run.at(began)}, and never seen to end{what}"
    if "ok" in ended:
        proved = f"proved at {run.at(ended)}" if ended["ok"] else "NOT PROVED"
        return f"{run.at(began)}, {proved}{what}"
    took_s = float(ended["at"]) - float(began["at"])
    return (run.at(ended) if took_s <= _AT_ONCE_S else f"{run.at(began)} to {run.at(ended)}") + what


def _recovery(run: _Run, by: str = "") -> str:
    """From the beginning of the undo, or `by` itself before that (see `figures.mended_s`), until all that the recovery
    awaited had come, and lasted."""
    found = figures.recovery(run.view, by)
    if found is None or (found.took_s is None and not found.missed):
        raise Missing("nothing was awaited" if found else "the run did not get there")
    if found.took_s is None:
        return f"never: {', '.join(found.missed)} did not come or did not last"
    return shown(found.took_s)


def _backlog(run: _Run, probe: str, figure: str, unit: str = "", by: str = "") -> str:
    """One figure of a queue, as `figures.Backlog` names it."""
    found = figures.backlog(run.view, probe, by)
    value = getattr(found, figure)
    if value is not None:
        return shown(value) if figure == "drained_s" else f"{number(float(f'{value:.4g}'))} {unit}".strip()
    if figure not in ("drained_s", "per_s") or None in (found.usual, found.highest):
        raise Missing(f"{probe} gave no number then")
    if not found.rose:
        raise Missing(f"it was never above the {found.usual:g} of before the fault")
    raise Missing(f"it was not seen to be worked off; {found.left:g} were left at the last reading")


def _availability(run: _Run) -> str:
    """The share of the requests that were answered as promised, phase by phase."""
    told = [
        f"{one.available / one.sent:.2%} {one.phase} ({one.available}/{one.sent})" for one in run.phases if one.sent
    ]
    if not told:
        raise Missing("nothing was sent")
    return ", ".join(told)


def _latencies(run: _Run, phase: str) -> str:
    """The latencies of a phase's requests, for each outcome."""
    told = [
        f"{fate.name} p50 {fate.p50_ms:.0f} ms, p99 {fate.p99_ms:.0f} ms"
        for each in run.phases
        if each.phase == phase
        for fate in each.fates
        if fate.p50_ms is not None and fate.p99_ms is not None
    ]
    if not told:
        raise Missing(f"nothing was answered in the phase {phase}")
    return "; ".join(told)


def _total(run: _Run, source: str, op: str = "") -> str:
    """How many entries the final state lists, and how that compares with what was acknowledged, of `op` alone where the
    load asks for other things, too."""
    there, requests = present(run.recorded, source), run.recorded.history
    tally = tallied(run.recorded, selected(run.recorded, op), source)
    total, different = requests.one(f"select coalesce(sum(n), 0), count(*) from {there}")
    if not tally["ok"].count:
        raise Missing(f"{total} are there, and none was acknowledged to compare them with")
    (strange,) = requests.one(f"select count(*) from {there} anti join {requests.fates} using (key)")
    told = [
        f"{count} {what}"
        for count, what in (
            (tally["ok"].gone, "acknowledged and not there"),
            (total - different, "there again"),
            (tally["fail"].there, "there although rejected"),
            (strange, "there that the load has no record of"),
        )
        if count
    ]
    unknown = tally["info"].there
    beside = f"; {unknown} there whose answer is not known" if unknown else ""
    return f"{total} ({tally['ok'].count} acknowledged: {', '.join(told) or 'exact match'}{beside})"


def _beyond(run: _Run, source: str, initial: float) -> str:
    """How many more are there than there could be."""
    there = present(run.recorded, source)
    (total,) = run.recorded.history.one(f"select coalesce(sum(n), 0) from {there}")
    return f"{max(0, total - round(initial))} items"


def _gap(run: _Run, one: str, other: str) -> str:
    """What lies between two stocks in the end."""
    left, right = number_in(run.recorded, one), number_in(run.recorded, other)
    return f"{abs(left - right):g} units ({one} {left:g}, {other} {right:g})"


def _anomalies(run: _Run) -> str:
    """All that did not hold, and what the run says of itself."""
    bad = [f"{one.name} {result(one)}" for one in run.view.judgement.findings if result(one) != Verdict.HELD]
    late = run.view.lateness.told(run.view.from_s, run.view.to_s)
    unread = run.recorded.history.unreadable
    bad += [*run.view.judgement.reasons, *([late] if late else [])]
    bad += [f"{unread} lines of the history can't be read"] if unread else []
    bad += [f"note: {text}" for _, text in run.view.notes]
    return "; ".join(dict.fromkeys(bad)) or "none"


SHOWN: dict[str, Callable[..., str]] = {
    "prepared": _prepared, "found": _found, "reading": _reading, "followed": _followed, "answers": _answers,
    "moment": _moment, "recovery": _recovery, "backlog": _backlog, "availability": _availability,
    "latencies": _latencies, "total": _total, "beyond": _beyond, "gap": _gap, "anomalies": _anomalies,
}  # fmt: skip
