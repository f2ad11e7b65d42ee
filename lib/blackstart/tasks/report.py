"""`report.*`: the evidence of a run, shown, judged again, verified, compared, annotated."""

import os
from typing import Any

from invoke import Argument, Collection, Task, task

from blackstart import commands
from blackstart.tasks._options import finish, refuse_empty

_RUN = "name, id (CHAOS-...) or path of the run (the newest)"
_REPORTS = "folder of the evidence, reports/chaos [REPORTS]"
_HELP = {"run": _RUN, "reports": _REPORTS}
_READ = {**_HELP, "experiment": "the file of an experiment of your own, where the run was of one"}


def _reports(given: str | None) -> str:
    return given or os.environ.get("REPORTS", "") or "reports/chaos"


@task(help=_READ, auto_shortflags=False)
def show(c: Any, run: str | None = None, reports: str | None = None, experiment: str | None = None) -> None:
    """Print a run: its transitions with their times, every expectation, and the verdict."""
    refuse_empty(run=run, reports=reports, experiment=experiment)
    finish(commands.report.show(run or "", _reports(reports), experiment or ""))


@task(help={**_READ, "out": "where to write it (beside the run's folder)"}, auto_shortflags=False)
def html(
    c: Any, run: str | None = None, out: str | None = None, reports: str | None = None, experiment: str | None = None
) -> None:
    """Make a run's page anew, with the notes added since, and print its path."""
    refuse_empty(run=run, out=out, reports=reports, experiment=experiment)
    finish(commands.report.write_html(run or "", _reports(reports), out or "", experiment or ""))


@task(help=_READ, auto_shortflags=False)
def judge(c: Any, run: str | None = None, reports: str | None = None, experiment: str | None = None) -> None:
    """Judge a finished run again from its files; exits with the verdict's code."""
    refuse_empty(run=run, reports=reports, experiment=experiment)
    finish(commands.report.judge(run or "", _reports(reports), experiment or ""))


@task(
    help={**_READ, "run": f"{_RUN}, or a zip of report.bundle", "key": "the public key that must have signed it"},
    auto_shortflags=False,
)
def verify(
    c: Any, run: str | None = None, reports: str | None = None, key: str | None = None, experiment: str | None = None
) -> None:
    """Whether the run's files are as they were sealed: 0 yes, 20 something is wrong, 30 not all can be told."""
    refuse_empty(run=run, reports=reports, key=key, experiment=experiment)
    finish(commands.attesting.check(run or "", _reports(reports), key or "", experiment or ""))


@task(help={**_READ, "out": "where to write it (beside the run's folder)"}, auto_shortflags=False)
def bundle(
    c: Any, run: str | None = None, out: str | None = None, reports: str | None = None, experiment: str | None = None
) -> None:
    """Make one zip of a run, signed where there is a key [BLACKSTART_SIGNING_KEY]; a killed run is sealed first."""
    refuse_empty(run=run, out=out, reports=reports, experiment=experiment)
    finish(commands.attesting.bundle(run or "", _reports(reports), out or "", experiment or ""))


@task(
    help={**_READ, "check": "which check `linearizable` tells what its requests mean, where it has several",
          "out": "where to write it (beside the run's folder)"},
    auto_shortflags=False,
)  # fmt: skip
def export(
    c: Any,
    run: str | None = None,
    check: str | None = None,
    out: str | None = None,
    reports: str | None = None,
    experiment: str | None = None,
) -> None:
    """Write a run's history in the JSON that elle-cli reads, and print its path."""
    refuse_empty(run=run, check=check, out=out, reports=reports, experiment=experiment)
    finish(commands.report.export(run or "", _reports(reports), check or "", out or "", experiment or ""))


@task(help={"out": "the file of the private key; FILE.pub gets the public one"}, auto_shortflags=False)
def keygen(c: Any, out: str) -> None:
    """Make a key that signs bundles (Ed25519)."""
    refuse_empty(out=out)
    finish(commands.attesting.keygen(out))


@task(
    help={**_READ, "run": "a run of the experiment to compare (the newest)", "last": "how many runs at most, 20",
          "baseline": "committed file to compare with: 20 when worse, 30 with too few runs",
          "save-baseline": "write these runs to the file that --baseline names"},
    auto_shortflags=False,
)  # fmt: skip
def trend(
    c: Any,
    run: str | None = None,
    last: str = "20",
    baseline: str | None = None,
    save_baseline: bool = False,
    reports: str | None = None,
    experiment: str | None = None,
) -> None:
    """Compare runs of one experiment over time: times per transition, verdicts, a gate against a baseline."""
    refuse_empty(run=run, last=last, baseline=baseline, reports=reports, experiment=experiment)
    finish(
        commands.report.show_trend(run or "", _reports(reports), last, baseline or "", save_baseline, experiment or "")
    )


class _NoteText(Argument):
    """An option with which the note's own text may be left out: of Invoke's positionals none may."""

    def __init__(self, given: Argument, text: Argument) -> None:
        super().__init__(names=given.names, kind=given.kind, help=given.help)
        self._text = text

    def set_value(self, value: Any, cast: bool = True) -> None:
        super().set_value(value, cast)
        if self._text.value is None:
            self._text.set_value("", cast=False)


class _Note(Task):
    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        made = super().get_arguments(ignore_unknown_help)
        text = next(argument for argument in made if argument.name == "text")
        return [_NoteText(one, text) if one.name in ("learning", "improvement") else one for one in made]


@task(
    klass=_Note,
    positional=["run", "text"],
    help={**_HELP, "run": _RUN.removesuffix(" (the newest)"), "text": "the note; before the options, or left out",
          "learning": "what was learned of the system", "improvement": "what was, or will be, improved",
          "by": "who says so (you)"},
    auto_shortflags=False,
)  # fmt: skip
def note(
    c: Any,
    run: str,
    text: str,
    learning: str | None = None,
    improvement: str | None = None,
    by: str | None = None,
    reports: str | None = None,
) -> None:
    """Add an operator's note, learning or improvement to a finished run; the sealed journal stays as it is."""
    if not (learning or improvement):
        refuse_empty(text=text)
    refuse_empty(run=run, learning=learning, improvement=improvement, by=by, reports=reports)
    finish(commands.report.add_note(run, text, by or "", _reports(reports), learning or "", improvement or ""))


@task(
    help={"reports": f"{_REPORTS}; runs in folders of it count, too",
          "out": "the file in Markdown; the page stands beside it (catalog.md in the reports folder)"},
    auto_shortflags=False,
)  # fmt: skip
def catalog(c: Any, reports: str | None = None, out: str | None = None) -> None:
    """Write the failure catalog: what all runs tell together, with what was learned and improved."""
    refuse_empty(reports=reports, out=out)
    finish(commands.catalog.write(_reports(reports), out or ""))


namespace = Collection("report", show, html, judge, verify, bundle, export, keygen, trend, note, catalog)
