"""Writes the documents of a run, each made of its record and judgement alone, and seals them."""

import json
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path

from blackstart.base.errors import BadFlag, Damaged
from blackstart.evidence import attestation, history, journal, manifest, signing
from blackstart.reports import chaos_json, github, html, junit, observed_results, stretches, summary
from blackstart.reports.story import RunView
from blackstart.verdict.judge import Judgement


def write(
    folder: Path,
    judgement: Judgement,
    environ: Mapping[str, str],
    say: Callable[[str], None],
    view: RunView | None = None,
    command: Callable[[str], None] | None = None,
) -> None:
    """chaos.json, junit.xml, report.html, summary.md, observed_results.md where the experiment asks for it,
    stretches.csv where it has a schedule, GitHub's summary, and the manifest last, with what attests it, signed by the
    key that `environ` names. `say` takes plain lines, and `command` those that are commands to the CI server.

    A document that can't be made is said; it keeps neither the others nor the seal away. `view` is the run where
    its record has been read already.
    """
    view = view or RunView(journal.read(folder / "journal.jsonl"), judgement, folder, guardian_of(folder))
    load = cache(lambda: load_of(folder))
    makers: dict[str, Callable[[], str]] = {
        "results/chaos.json": lambda: json.dumps(chaos_json.results(view), indent=1, ensure_ascii=False) + "\n",
        "junit.xml": lambda: junit.xml(view),
        "report.html": lambda: html.page(view, load()),
    }
    if (folder / "history.csv").exists():
        makers[summary.NAME] = lambda: summary.text(view, load() or history.none())
    if view.stretches:
        makers[stretches.NAME] = lambda: stretches.as_csv(view, load())
    if view.experiment and view.experiment.evidence_rows:
        makers[observed_results.NAME] = lambda: observed_results.text(view, load())
    for name, make in makers.items():
        try:
            _put(folder / name, make())
        except Exception as error:  # whatever is wrong with a document, the run has its verdict
            say(f"{name} could not be written: {type(error).__name__}: {error}")
    for line in github.publish(view, environ, say):
        (command or say)(line)
    try:
        signer = signing.from_environ(environ)
    except BadFlag as error:  # the key was good when the run began
        signer = None
        say(f"the evidence is not signed: {error}")
    attest = partial(attestation.write, signer=signer)
    manifest.seal(folder, view.run, manifest.claims(view.head), judgement.verdict, judgement.reasons, attest)


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8", errors="replace")


def load_of(folder: Path) -> history.History | None:
    """The history of a run's load; None where there was none."""
    path = folder / "history.csv"
    return history.read(path) if path.exists() else None


def guardian_of(folder: Path) -> journal.Record | None:
    """What the guardian recorded; None where there was none of this run."""
    try:
        return journal.read_beside(folder, "guardian.jsonl")
    except Damaged:
        return None
