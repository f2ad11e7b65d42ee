"""Writes what a run leaves beside its journal. Everything after the end is made from the journal and the history."""

import os
from collections.abc import Callable, Sequence

from blackstart import __version__
from blackstart.base import clock
from blackstart.base.codec import to_data
from blackstart.base.console import Console
from blackstart.base.errors import Damaged
from blackstart.engine import safe_state
from blackstart.engine.observer import Observer
from blackstart.evidence import journal
from blackstart.evidence.events import EventName
from blackstart.evidence.folder import Folder
from blackstart.evidence.journal import Record, readings_of
from blackstart.model.experiment import Experiment
from blackstart.model.flags import Flags
from blackstart.model.plan import Plan
from blackstart.model.reading import Probe
from blackstart.probes.http import HttpText
from blackstart.probes.metrics import Metric, MetricLabel
from blackstart.probes.read import read_once
from blackstart.reports import csv_log, documents, standing
from blackstart.reports.story import RunView
from blackstart.suites import systems
from blackstart.verdict.judge import Judgement

_COLLECT_WITHIN_S = 10.0
_LINES_AT_ONCE = 100
_OF_TARGET = ("name", "kind", "api", "why", "file", "lab", "mutant", "facts", "max_rate_hz")


def head(observer: Observer, plan: Plan, flags: Flags, folder: Folder, **more: object) -> None:
    """The journal's first lines: what is run, on what, with which flags and changes. `more`: what runs it `again`, and
    `experiment_file`, the path and sha256 of the file that declared it; of a scenario, what `suites.specified` says."""
    observer.note(
        EventName.RUN,
        run=folder.run,
        id=folder.id,
        version=__version__,
        began=clock.utc_iso(folder.began),
        experiment=to_data(plan.experiment),
        target={name: getattr(plan.target, name) for name in _OF_TARGET} | {"facts": dict(plan.target.facts)},
        resume=safe_state.resume(plan.target),
        **more,
        flags={name: getattr(flags, name) for name in sorted(flags.given)},
        sync=True,
    )
    if flags.note:
        observer.note(EventName.NOTE, text=flags.note)
    observer.note(EventName.PLAN, changes=[to_data(change) for change in plan.changes])


def snapshot(plan: Plan, folder: Folder, phase: str, observer: Observer) -> None:
    """The whole metrics page as it is now, in `metrics/<phase>.prom`; one that can't be had is said in the journal."""
    target = plan.target
    if not target.api:
        return
    reading = read_once(HttpText(metrics_page(plan), name="metrics page").bind(target), target.read_timeout_s)
    if reading.kind != "value":
        page, absent = metrics_page(plan), reading.note == "status 404"  # it is the target's to have one
        told = f"skipped: {page} answers 404" if absent else f"{reading.kind}: {reading.note}"
        observer.note(EventName.SNAPSHOT, phase=phase, missing=told)
        return
    path = folder.path / "metrics" / f"{phase}.prom"
    path.parent.mkdir(exist_ok=True)
    lines = str(reading.value).splitlines(keepends=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        # Piece by piece: to look through a megabyte in one go would hold up everybody who reads.
        for begin in range(0, len(lines), _LINES_AT_ONCE):
            file.write(str(observer.journal.scrub("".join(lines[begin : begin + _LINES_AT_ONCE]))))
    observer.note(EventName.SNAPSHOT, phase=phase, file=str(path.relative_to(folder.path)))


def metrics_page(plan: Plan) -> str:
    """Where the target's kind has its metrics; of a kind that is not known, where the experiment reads its own."""
    read = (probe.path for probe in plan.probes() if isinstance(probe, Metric | MetricLabel))
    return plan.target.system.metrics_page or next(read, "/metrics")


def collect(experiment: Experiment, observer: Observer, between: Callable[[], object] = lambda: None) -> None:
    """Read what the checks need of the final state, once each. `between` is called before each."""
    _collect(experiment.collect, observer, between)


def collect_before(experiment: Experiment, observer: Observer, between: Callable[[], object]) -> None:
    """The same of what they compare it with, before anything is broken."""
    _collect(experiment.collect_before, observer, between)


def _collect(probes: Sequence[Probe], observer: Observer, between: Callable[[], object]) -> None:
    for probe in probes:
        between()
        reading = read_once(probe, _COLLECT_WITHIN_S)
        observer.note(
            EventName.FINAL, probe=probe.name, kind=reading.kind, value=reading.value, note=reading.note,
            sent=round(reading.sent_s, 6), answered=round(reading.answered_s, 6),
        )  # fmt: skip


def report(folder: Folder, judgement: Judgement, console: Console, tell: Callable[[RunView, Folder], object]) -> None:
    """Write everything that is made from the record, and `tell` of it, whatever becomes of that."""
    view = view_of(folder, judgement)
    try:
        write(folder, view, console)
    finally:
        tell(view, folder)


def view_of(folder: Folder, judgement: Judgement) -> RunView:
    """The run as its reports tell it; where its journal can't be read, with the judgement alone."""
    try:
        record = journal.read(folder.journal)
    except Damaged as damage:
        record = Record((), str(damage))
    return RunView(record, judgement, folder.path, documents.guardian_of(folder.path), systems.of)


def write(folder: Folder, view: RunView, console: Console) -> None:
    """Everything that is made from the record. What can't be written is said; the journal is what counts."""
    judgement = view.judgement
    makers: tuple[Callable[[], None], ...] = (
        lambda: csv_log.write(folder.log, view.record, judgement, standing.of(view)),
        lambda: _samples(folder, view.record),
        lambda: documents.write(folder.path, judgement, os.environ, console.plain, view, console.command),
    )
    for make in makers:
        try:
            make()
        except OSError as error:
            console.say(f"some of the evidence could not be written: {error}")


def _samples(folder: Folder, record: Record) -> None:
    with (folder.path / "samples.csv").open("w", newline="", encoding="utf-8") as file:
        file.write("sent_s,answered_s,probe,kind,value,note\r\n")
        for event in record.of(EventName.READ):
            for r in readings_of(event):
                value = "" if r.value is None else r.value
                row = csv_log.line((r.sent_s, r.answered_s, r.probe, r.kind, value, r.note))
                file.write(f"{row}\r\n")
