"""How a suite ends: what every experiment of it came to, why some were not run, the whole in a line. Pure."""

from collections.abc import Iterable, Sequence

from blackstart.base.printable import table
from blackstart.model.verdict import Verdict
from blackstart.verdict.judge import Judgement

Row = tuple[str, str, str]
"""An experiment, its verdict, and where its evidence is."""

NOT_SHOWN = "not shown"
"""In place of a verdict: this target lacks what that variant needs, which is said where its evidence would be."""
SIGNALLED = (129, 130, 143)
_WORDS = {verdict.exit_code: verdict.shown for verdict in Verdict} | dict.fromkeys(SIGNALLED, "interrupted")


def worst(codes: Sequence[int]) -> int:
    """The suite's own code, in the order of verdicts: not restored, interrupted, broke, inconclusive, held.

    Refused only where every experiment was: it means that nothing was touched. Beside others it is missing data.
    """
    if set(codes) <= {Verdict.REFUSED.exit_code}:
        return Verdict.REFUSED.exit_code
    for code in (Verdict.NOT_RESTORED.exit_code, *SIGNALLED, Verdict.BROKE.exit_code):
        if code in codes:
            return code
    unknown = {Verdict.INCONCLUSIVE.exit_code, Verdict.REFUSED.exit_code} & set(codes)
    return Verdict.INCONCLUSIVE.exit_code if unknown else max(codes)


def verdict_of(code: int) -> Verdict | None:
    """The verdict with that exit code; None where a signal ended it."""
    return next((verdict for verdict in Verdict if verdict.exit_code == code), None)


def verdict_with(judgement: Judgement) -> str:
    """The verdict of a run, with what the operator left out by choice: "held, without orders"."""
    names = dict.fromkeys(finding.left_out for finding in judgement.findings if finding.left_out)
    return f"{judgement.verdict}, without {', '.join(names)}" if names else judgement.verdict


def lines(title: str, rows: Sequence[Row], code: int, again: str, ends: Iterable[tuple[str, str]] = ()) -> list[str]:
    """The table, how things stand (`ends`: what it is about, and what is said of it), the suite's own verdict, and what
    runs it again."""
    held = sum(verdict.partition(",")[0] == Verdict.HELD for _, verdict, _ in rows)
    shown = sum(verdict != NOT_SHOWN for _, verdict, _ in rows)
    of = f"{held} of {shown}" + ("" if code == Verdict.HELD.exit_code else " held")
    return [
        *table([(name, verdict.replace("-", " "), where) for name, verdict, where in rows], _HEADS),
        *(f"{about}: {told}" for about, told in ends),
        f"{title}: {_WORDS.get(code, f'exit code {code}')}, {of}",
        f"run again: {again}",
    ]


_HEADS = ("experiment", "verdict", "evidence")


def why_not(name: str, code: int) -> str:
    """Why the suite did not go on after the experiment of that name, which ended with this code."""
    if code in SIGNALLED:
        return f"{name} was interrupted, which ends the suite"
    if code == Verdict.NOT_RESTORED.exit_code:
        return f"{name} is not restored, which ends the suite"
    return f"{name} did not hold; --keep-going runs the rest all the same"
