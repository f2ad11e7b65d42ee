"""A run for GitHub Actions: a summary in Markdown for the job's page, annotations on its log. Pure but `publish`."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from blackstart.base import printable
from blackstart.base.printable import one_line
from blackstart.model.verdict import Verdict
from blackstart.reports import standing
from blackstart.reports.markdown import cell, code, standing_lines
from blackstart.reports.story import RunView
from blackstart.reports.words import hint, result, sign_of, verdict_says

# GitHub shows ten errors and ten warnings of a step; the verdict must be among them.
_ANNOTATIONS_AT_MOST = 9


def summary(view: RunView) -> str:
    """The job summary: verdict, reasons, transitions, expectations."""
    judgement, stands = view.judgement, standing.of(view)
    word = f"{judgement.verdict.sign} {judgement.verdict.shown}"
    transitions = [(mark.what, mark.phase, mark.after, mark.limit) for mark in view.transitions]
    findings = [
        (f"{sign_of(result(f))} {result(f)}", f.phase, f.name, f.expected, f.message) for f in judgement.findings
    ]
    parts = [
        f"## {word}: {cell(view.name)} on {cell(view.target['name'])}",
        verdict_says(view),
        "\n".join([*standing_lines(stands), *(f"- {cell(reason)}" for reason in stands.untold(judgement))]),
        _table(("what became true", "phase", "after", "limit"), transitions),
        _table(("result", "phase", "expectation", "expected", "what was seen"), findings),
        f"Evidence: {code(str(view.where))}" + (f", run again: {code(view.again)}" if view.again else ""),
    ]
    return "\n\n".join(part for part in parts if part) + "\n\n"


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = [heads, tuple("---" for _ in heads), *(tuple(map(cell, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def log_lines(view: RunView) -> list[str]:
    """`::error` lines for the verdict, unless the run held, and for what broke of itself; `::warning` for what was not
    seen."""
    judgement, stands = view.judgement, standing.of(view)
    if judgement.verdict == Verdict.HELD:
        return []
    says = [f"{label}: {text}" for label, text in stands.rows()]
    title = f"{judgement.verdict.shown}: {view.name} on {view.target['name']}"
    lines = [_command("error", title, printable.lines(says))]
    for status, level in ((Verdict.BROKE, "error"), (Verdict.INCONCLUSIVE, "warning")):
        found = [f for f in judgement.findings if result(f) == status and view.entered(f.phase)]
        found = [f for f in found if not stands.explains(f)]
        for finding in found[:_ANNOTATIONS_AT_MOST]:
            says = [finding.message, f"expected: {finding.expected}"]
            says += [f"where to look: {hint(finding)}"] if hint(finding) else []
            lines.append(_command(level, f"{finding.name} ({finding.phase})", printable.lines(says)))
    return lines


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_escape(one_line(title), ':,')}::{_escape(message)}"


def _escape(text: str, more: str = "") -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    for sign in more:
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text


def publish(view: RunView, environ: Mapping[str, str], say: Callable[[str], None]) -> list[str]:
    """Append the summary where GitHub asks for it, and return the annotations to print; nothing elsewhere.

    Where the summary can't be written, as from a container that does not have the runner's folder, `say` is told.
    """
    if environ.get("GITHUB_ACTIONS") != "true":
        return []
    if environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as file:
                file.write(summary(view))
        except OSError as error:
            say(f"the job's summary (GITHUB_STEP_SUMMARY) could not be written: {error}")
    return log_lines(view)


def refused(told: str, environ: Mapping[str, str]) -> list[str]:
    """The same where nothing was started, and so there is no run: what was refused, in a line. Never raises."""
    if environ.get("GITHUB_ACTIONS") != "true":
        return []
    if environ.get("GITHUB_STEP_SUMMARY"):
        with contextlib.suppress(OSError), Path(environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as file:
            file.write(f"## {Verdict.REFUSED.sign} {Verdict.REFUSED.shown}\n\n{cell(told)}\n\n")
    return [_command("error", Verdict.REFUSED.shown, printable.lines([told]))]
