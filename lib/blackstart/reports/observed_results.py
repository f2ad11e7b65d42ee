"""`observed_results.md`: what was expected, what was observed, and the check list of the run. Pure."""

from collections.abc import Iterator, Sequence

from blackstart.base.printable import one_line
from blackstart.evidence.history import History
from blackstart.reports import observed
from blackstart.reports.markdown import cell, code, grid
from blackstart.reports.observed import Row
from blackstart.reports.story import RunView
from blackstart.reports.words import result, verdict_says

NAME = "observed_results.md"
_HEADS = ("Metric", "Expected", "Observed", "Result")


def text(view: RunView, history: History | None) -> str:
    rows = observed.rows(view, history)
    parts = [
        f"# {cell(view.name)} on {cell(view.target['name'])}: {view.judgement.verdict.shown}",
        "",
        f"{verdict_says(view)} Run {code(view.run_id)}, evidence {code(view.run)}, began {view.began_text}. "
        f"T+0 is {observed.zero(view, history)[1]}.",
        "",
        "## Expected Results",
        "",
        *_expected(view),
        "",
        "## Observed Results",
        "",
        "```",
        *(f"{row.text}: {one_line(row.told)}".replace("```", "'''") for row in rows if not row.part),
        "```",
        *_checklist(rows),
    ]
    return "\n".join(parts) + "\n"


def _expected(view: RunView) -> list[str]:
    found = [one for one in view.judgement.findings if one.phase != "baseline"]
    return grid([(one.name, one.expected, one.actual or one.message, result(one)) for one in found], _HEADS)


def _checklist(rows: Sequence[Row]) -> Iterator[str]:
    parts = dict.fromkeys(row.part for row in rows if row.part)
    if parts:
        yield from ("", "## Checklist")
    for part in parts:
        yield from ("", f"{cell(part)}:", "")
        for row in rows:
            if row.part == part:
                yield f"- [{'x' if row.done else ' '}] {cell(row.text)}: {cell(row.told)}"
