"""What the report tasks do: find the run, read its record, print or write, and say an exit code."""

import json
import textwrap
from collections import Counter
from pathlib import Path

from blackstart.base import writer
from blackstart.base.errors import EXIT_HELD, EXIT_INCONCLUSIVE, BadTarget, Damaged, Refused
from blackstart.base.printable import table as tabular
from blackstart.base.secrets.redact import Redactor
from blackstart.commands import learning as learned
from blackstart.commands import user_experiment
from blackstart.commands.answer import answering, where
from blackstart.commands.target_file import load
from blackstart.evidence import journal, manifest, notes, runs
from blackstart.evidence.events import EventName
from blackstart.model.verdict import Verdict
from blackstart.reports import baseline, documents, elle, html, load_view, table, trend
from blackstart.reports.story import RunView
from blackstart.reports.words import MENDED
from blackstart.suites import systems
from blackstart.verdict import from_folder
from blackstart.verdict.judge import checks_of
from blackstart.verdict.keyed_operations import Meaning


@answering(of_record=True)
def show(_: Redactor, run: str, reports: str, experiment: str = "") -> int:
    """Print a run: facts, transitions, expectations, verdict last."""
    view = _view(_opened(run, reports, experiment))
    history = documents.load_of(view.where)
    rows = load_view.by_phase(history, view.phases) if history else ()
    writer.page(*table.lines(view, rows, notes.read(view.where).lines(), history, writer.columns()))
    return EXIT_HELD


@answering(of_record=True)
def write_html(_: Redactor, run: str, reports: str, out: str, experiment: str = "") -> int:
    """Make the page anew, with notes added since, beside the evidence folder: what is sealed stays as it is."""
    view = _view(_opened(run, reports, experiment))
    path = _beside(view.where, out, "html")
    text = html.page(view, documents.load_of(view.where), notes.read(view.where).lines())
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise Refused(f"the page can't be written to {path}: {error.strerror}. Name a file with --out.") from error
    writer.page(str(path.absolute()))
    return EXIT_HELD


@answering(of_record=True)
def judge(_: Redactor, run: str, reports: str, experiment: str = "") -> int:
    """Judge a finished run again. The verdict's exit code; 30 where it would be green and the record says otherwise."""
    folder = _opened(run, reports, experiment)
    record, judgement = _record(folder), from_folder.judge_folder(folder)
    if record.damage:
        writer.page(f"  {record.damage_text}")
    for reason in judgement.reasons:
        writer.page(f"  because: {reason}")
    last = record.last(EventName.VERDICT)
    recorded = str(last["verdict"]) if last else ""
    writer.page(f"{folder.name}: judged again, {judgement.verdict.shown}")
    if not recorded and record.damage:
        writer.page("  what verdict was recorded, if any was, can't be read")
    elif not recorded:
        writer.page("  no verdict was recorded: the run was killed before its end")
    elif recorded == judgement.verdict:
        writer.page(f"  the same as recorded: {recorded.replace('-', ' ')}")
    else:
        writer.page(f"  NOT the same as recorded: {recorded.replace('-', ' ')}")
    if _view(folder).mended_later:
        writer.page(f"  {MENDED}")
    same = recorded == judgement.verdict
    return EXIT_INCONCLUSIVE if judgement.verdict == Verdict.HELD and not same else judgement.verdict.exit_code


@answering(of_record=True)
def export(_: Redactor, run: str, reports: str, check: str, out: str, experiment: str = "") -> int:
    """Write a run's history for elle-cli, beside its folder: what its requests mean is said by its check."""
    folder = _opened(run, reports, experiment)
    checks = {one.name: one for one in checks_of(_record(folder)) if one.check == "linearizable"}
    chosen = checks.get(check) if check else next(iter(checks.values()), None)
    if chosen is None or (len(checks) > 1 and not check):
        named = f"--check must be one of {', '.join(checks)}" if checks else "it has no such check"
        raise Refused(f"what the requests of {folder.name} mean is told by a check `linearizable`: {named}")
    meaning, history = Meaning.of(chosen.params), documents.load_of(folder)
    if history is None or meaning.model not in elle.MODELS:
        why = "it has no history" if history is None else f'nobody knows the model "{meaning.model}"'
        raise Refused(f"{folder.name} can't be exported: {why}")
    path, count = _beside(folder, out, "elle.json"), 0
    try:
        with path.open("w", encoding="utf-8") as file:
            for count, event in enumerate(elle.events(history, meaning), 1):
                file.write(f"{'[' if count == 1 else ','}{json.dumps(event)}\n")
            file.write("]\n" if count else "[]\n")
    except OSError as error:
        raise Refused(f"the history can't be written to {path}: {error.strerror}. Name a file with --out.") from error
    writer.page(f"{path.absolute()}: {count} events, for elle-cli --model {elle.MODELS[meaning.model]}")
    return EXIT_HELD


@answering(of_record=True)
def add_note(
    redactor: Redactor, run: str, text: str, by: str, reports: str, learning: str = "", improvement: str = ""
) -> int:
    """Add an operator's note to a run, what was learned, and what was improved."""
    told: dict[notes.Kind, str] = {"": text, "learning": learning, "improvement": improvement}
    if not any(each.strip() for each in told.values()):
        raise Refused("a note must say something: TEXT, --learning or --improvement")
    folder = _find(run, reports)
    _learn_target(folder, redactor)
    try:
        learned.add(folder, told, by, redactor)
    except OSError as error:
        raise Refused(f"the note can't be written to {folder}: {error.strerror}") from error
    writer.page(f"noted in {folder / notes.NAME}; the sealed journal is as it was")
    return EXIT_HELD


@answering(of_record=True)
def show_trend(
    _: Redactor, run: str, reports: str, last: str, baseline_file: str, save: bool, experiment: str = ""
) -> int:
    """Compare the runs like this one over time; against a baseline where one is named."""
    if save and not baseline_file:
        raise Refused("--save-baseline needs --baseline FILE to save to")
    alike, others = _alike(_opened(run, reports, experiment), _count(last))
    _print_trend(alike, others)
    if save:
        made = baseline.of(alike)
        baseline.save(Path(baseline_file), made)
        writer.page(f"saved as the baseline: {baseline_file}, {len(made['runs'])} runs that held")
        for name in sorted({name for run in alike for name in run.times_s} - set(made["transitions"])):
            writer.page(f"  not in it, since fewer than {trend.LEAST_RUNS} of them have it: {name}")
        return EXIT_HELD
    return _gate(alike, Path(baseline_file)) if baseline_file else EXIT_HELD


def _gate(alike: list[trend.Run], path: Path) -> int:
    before = baseline.read(path)
    if before["experiment"] != alike[-1].key:
        raise Refused(f"{path} is the baseline of {before['experiment']}, and these are runs of {alike[-1].key}")
    gate = trend.gate(alike, before)
    for reason in gate.reasons:
        writer.page(f"  because: {reason}")
    writer.page(f"against {path} ({len(before['runs'])} runs): {gate.verdict}. {trend.METHOD}")
    return gate.verdict.exit_code


def _alike(folder: Path, last: int) -> tuple[list[trend.Run], int]:
    """The last runs that can be compared with this one, oldest first, and how many in the folder can't be."""
    wanted = trend.key_of(_view(folder))
    found: list[trend.Run] = []
    others = 0
    for path in reversed(runs.every(folder.parent)):
        if len(found) >= last:
            break
        try:
            runs.refuse_endless(path)
            made = trend.run_of(_view(path))
        except Exception as error:  # one bad record among them, whatever is wrong with it
            why = str(error) if isinstance(error, Damaged) else where(error)
            writer.error(f"  left out: {path.name}: {why}")
            continue
        if made.key == wanted:
            found.append(made)
        else:
            others += 1
    return found[::-1], others


def _print_trend(alike: list[trend.Run], others: int) -> None:
    name, _, settings = alike[-1].key.partition(", ")
    writer.page(f"{name}: {_runs(len(alike))}, {alike[0].began} to {alike[-1].began}")
    counts = Counter(run.verdict for run in alike).most_common()
    told = ", ".join(f"{count} {verdict.shown}" for verdict, count in counts)
    writer.page(f"verdicts: {told}" + (f"; {_runs(others)} of something else in this folder" if others else ""))
    s = trend.shown
    rows = [
        (line.name, line.n, s(line.median_s), f"{s(line.low_s)} .. {s(line.high_s)}" if line.low_s is not None else
         f"needs {trend.LEAST_RUNS} runs", s(line.p90_s), s(line.latest_s))
        for line in trend.lines(alike)
    ]  # fmt: skip
    if rows:
        writer.page(*tabular(rows, ("transition", "n", "median", "95 % interval of it", "p90", "latest")))
    if settings:
        writer.page(*textwrap.wrap(f"compared are runs with the same: {settings}", 100, subsequent_indent="  "))


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise Refused(f"--last={text!r}: must be a whole number above 0")
    return int(text)


def _beside(folder: Path, out: str, kind: str) -> Path:
    """Where to write what is made of a run: beside its folder or where the user says, never among what is sealed."""
    path = Path(out) if out else folder.with_name(f"{folder.name}.{kind}")
    if path.absolute().is_relative_to(folder) and (folder / manifest.NAME).exists():
        raise Refused(f"{path} is inside of a sealed run; write it elsewhere with --out")
    if not out and path.is_symlink():
        raise Refused(f"{path} is a link; write it elsewhere with --out")
    return path


def _find(run: str, reports: str) -> Path:
    folder = runs.find(run, Path(reports))
    runs.refuse_endless(folder)
    return folder


def _opened(run: str, reports: str, experiment: str) -> Path:
    """The run's folder, its record's classes known: a user's own from the file that the user names."""
    folder = _find(run, reports)
    if experiment:
        user_experiment.load(experiment, folder)
    _record(folder)
    user_experiment.demand(folder)
    return folder


def _record(folder: Path) -> journal.Record:
    if not (folder / "journal.jsonl").exists():
        raise Damaged(f"{folder}: its journal is missing (journal.jsonl), so nothing can be read of the run. "
                      "`report.verify` tells what else is")  # fmt: skip
    return journal.read(folder / "journal.jsonl")


def _view(folder: Path) -> RunView:
    record = _record(folder)
    return RunView(record, from_folder.judge_folder(folder), folder, documents.guardian_of(folder), systems.of)


def _learn_target(folder: Path, redactor: Redactor) -> None:
    """The secrets of the run's target file, where it is still there: an operator may quote one."""
    head = journal.read(folder / "journal.jsonl").first(EventName.RUN) or {}
    file = str(head.get("target", {}).get("file", ""))
    if file and Path(file).is_file():
        try:
            redactor.learn(*load(Path(file)).secrets.values())
        except BadTarget:
            return  # it has changed since: what looks like a secret is masked all the same
