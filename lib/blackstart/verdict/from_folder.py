"""Judges a run from its files: the same for a run that has just ended and for one of last year."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from blackstart.base.errors import BlackstartError
from blackstart.evidence import history, journal
from blackstart.evidence.events import EventName
from blackstart.evidence.folder import Folder
from blackstart.evidence.history import History
from blackstart.evidence.journal import Record
from blackstart.model.finding import Finding
from blackstart.model.verdict import Verdict
from blackstart.verdict import bystanders, settings
from blackstart.verdict.checks.catalogue import apply
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.judge import Judgement, checks_of, judge


@dataclass(frozen=True)
class Result:
    """What a run came to: its judgement, where its evidence is, and the exit code of the process."""

    judgement: Judgement
    evidence: Folder
    exit_code: int


def judge_folder(path: Path, failure: OSError | None = None, proved: Collection[str] = ()) -> Judgement:
    """The verdict on the run in this evidence folder. `failure` is why its evidence could not be written to the end;
    `proved` are changes that were proved undone, also where that could not be written."""
    try:
        record = journal.read(path / "journal.jsonl").until_end()
        requests = path / "history.csv"
        driven = history.read(requests) if requests.exists() else history.none()
        mended = _mended(path / "guardian.jsonl").union(proved)
        judgement = judge(record, check_findings(record, driven), mended, driven)
    except BlackstartError as damage:
        return Judgement(Verdict.INCONCLUSIVE, (str(damage),), ())
    except Exception as error:  # a record that can't be judged is no verdict on the system
        return Judgement(Verdict.INCONCLUSIVE, (f"the record can't be judged: {type(error).__name__}: {error}",), ())
    if failure is None or judgement.verdict in (Verdict.NOT_RESTORED, Verdict.REFUSED):
        return judgement
    missing = judgement.reasons if judgement.verdict == Verdict.INCONCLUSIVE else ()
    reasons = (f"the evidence could not be written: {failure}", *missing)
    return Judgement(Verdict.INCONCLUSIVE, reasons, judgement.findings)


def judge_killed(path: Path) -> Judgement:
    """The verdict on a run that was killed before it gave one: what it saw until then neither holds nor breaks it."""
    judgement = judge_folder(path)
    if judgement.verdict not in (Verdict.HELD, Verdict.BROKE, Verdict.INCONCLUSIVE):
        return judgement
    until = f"; until then: {judgement.verdict.shown}" if judgement.verdict == Verdict.BROKE else ""
    reasons = (f"the run was killed before its verdict{until}", *judgement.reasons)
    return Judgement(Verdict.INCONCLUSIVE, reasons, judgement.findings)


def judge_run(
    path: Path, failure: OSError | None, proved: Collection[str] = (), unproved: Iterable[str] = ()
) -> Judgement:
    """The verdict on a run that ends now; `proved` are its changes that were proved undone, and `unproved` says of each
    other one why it was not.

    A record that could not be written, or not be judged, must neither hide what is still broken nor call broken what is
    whole.
    """
    judgement = judge_folder(path, failure, proved)
    left = tuple(unproved)
    if not left or judgement.verdict == Verdict.NOT_RESTORED:
        return judgement
    return Judgement(Verdict.NOT_RESTORED, left + judgement.reasons, judgement.findings)


def _mended(guardian: Path) -> set[str]:
    """The changes whose undo the guardian proved; it looks after a run that was killed, or could not undo itself."""
    if not guardian.exists():
        return set()
    latest = {event["change"]: event["ok"] for event in journal.read(guardian).of(EventName.GONE)}
    return {change for change, ok in latest.items() if ok}


def check_findings(record: Record, driven: History) -> list[Finding]:
    """What the experiment's checks came to, over the history and the final state; and what else is different."""
    evidence = Recorded(driven, record)
    return [
        *(apply(check, evidence) for check in checks_of(record)),
        *bystanders.findings(record),
        *settings.findings(record),
    ]
