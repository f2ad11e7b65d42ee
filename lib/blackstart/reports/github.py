"""A run for GitHub Actions: a summary in Markdown for the job's page, annotations on its log. Pure but `publish`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from blackstart.model.verdict import Verdict
from blackstart.reports.story import RunView
from blackstart.reports.words import hint, result, sign_of, verdict_says

# GitHub shows ten errors and ten warnings of a step; the verdict must be among them.
_ANNOTATIONS_AT_MOST = 9
_CELL_AT_MOST = 300


def summary(view: RunView) -> str:
    """The job summary: verdict, reasons, transitions, expectations."""
    judgement = view.judgement
    word = f"{judgement.verdict.sign} {judgement.verdict.shown}"
    transitions = [(mark.what, mark.phase, mark.after, mark.limit) for mark in view.transitions]
    findings = [
        (f"{sign_of(result(f))} {result(f)}", f.phase, f.name, f.expected, f.message) for f in judgement.findings
    ]
    parts = [
        f"## {word}: {_cell(view.name)} on {_cell(view.target['name'])}",
        verdict_says(view),
        "\n".join(f"- {_cell(reason)}" for reason in judgement.reasons),
        _table(("what became true", "phase", "after", "limit"), transitions),
        _table(("result", "phase", "expectation", "expected", "what was seen"), findings),
        f"Evidence: {_code(str(view.where))}" + (f", run again: {_code(view.again)}" if view.again else ""),
    ]
    return "\n\n".join(part for part in parts if part) + "\n\n"


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = [heads, tuple("---" for _ in heads), *(tuple(_cell(cell) for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    """Text that can't leave its cell, nor be taken for Markdown, HTML or a mention."""
    text = " ".join(str(value).split())
    text = text if len(text) <= _CELL_AT_MOST else f"{text[: _CELL_AT_MOST - 1]}…"
    for sign in "\\`*_[]|~#":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@\u200b")


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"


def log_lines(view: RunView) -> list[str]:
    """`::error` lines for the verdict, unless the run held, and for what broke; `::warning` for what was not seen."""
    judgement = view.judgement
    if judgement.verdict == Verdict.HELD:
        return []
    says = [verdict_says(view), *judgement.reasons]
    title = f"{judgement.verdict.shown}: {view.name} on {view.target['name']}"
    lines = [_command("error", title, "\n".join(says))]
    for status, level in ((Verdict.BROKE, "error"), (Verdict.INCONCLUSIVE, "warning")):
        found = [f for f in judgement.findings if result(f) == status and view.entered(f.phase)]
        for finding in found[:_ANNOTATIONS_AT_MOST]:
            message = f"{finding.message}\nexpected: {finding.expected}"
            message += f"\nwhere to look: {hint(finding)}" if hint(finding) else ""
            lines.append(_command(level, f"{finding.name} ({finding.phase})", message))
    return lines


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_escape(title, ':,')}::{_escape(message)}"


def _escape(text: str, more: str = "") -> str:
    text = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    for sign in more:
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text


def publish(view: RunView, environ: Mapping[str, str]) -> list[str]:
    """Append the summary where GitHub asks for it, and return the annotations to print; nothing elsewhere.

    Raises OSError where the summary can't be written.
    """
    if environ.get("GITHUB_ACTIONS") != "true":
        return []
    if environ.get("GITHUB_STEP_SUMMARY"):
        with Path(environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as file:
            file.write(summary(view))
    return log_lines(view)
