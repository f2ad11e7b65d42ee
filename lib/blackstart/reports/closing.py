"""The last part of what a run prints: what was expected and seen, and last of all how things stand. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from blackstart.base.printable import table, wrapped
from blackstart.reports.standing import PROSE, Standing
from blackstart.reports.words import hint, result
from blackstart.verdict.judge import Judgement

_HEADS = ("phase", "expectation", "result", "what was seen")
_FOLLOWS = "follows from the cause below"
_LABEL = 11


def details(judgement: Judgement, stands: Standing, logs: Mapping[str, Sequence[str]], columns: int) -> Iterator[str]:
    """The table of expectations, where to look for those that broke by themselves, what the services logged, and the
    reasons that no expectation tells of, nor the last lines."""
    rows = [(f.phase, f.name, result(f), _FOLLOWS if stands.explains(f) else f.message) for f in judgement.findings]
    if rows:
        yield from table(rows, _HEADS, columns)
    for finding in judgement.findings:
        if hint(finding) and not stands.explains(finding):
            yield from wrapped(f"hint for {finding.name}: {finding.hint}", columns, "    ")
    for name, lines in logs.items():
        yield f"last lines of {name}'s log:"
        yield from (f"    {line[:200]}" for line in lines)
    for reason in stands.untold(judgement):
        yield from wrapped(f"because: {reason}", columns, "    ")


def last_lines(stands: Standing, log: Path, run_id: str, columns: int) -> Iterator[str]:
    """How things stand, after the verdict; what mends is left to whoever says it last."""
    for label, text in stands.rows():
        if label == "evidence":
            yield f"{'evidence:':<{_LABEL}}{log}"
            yield f"{'':<{_LABEL}}{text}/"
            yield f"{'run id:':<{_LABEL}}{run_id}"
        elif label != "heal":
            yield from _row(label, text, columns)


def state_lines(stands: Standing, columns: int) -> Iterator[str]:
    """How the system stands, where it is paused: what a drill that was refused may have been refused for."""
    for label, text in stands.rows() if stands.state == "paused" else ():
        if label == "state" or label.endswith("resume"):
            yield from _row(label, text, columns)


def _row(label: str, text: str, columns: int) -> list[str]:
    if label in PROSE:
        return wrapped(f"{label + ':':<{_LABEL}}{text}", columns, " " * _LABEL)
    return [f"{label + ': ':<{_LABEL}}{text}"]
