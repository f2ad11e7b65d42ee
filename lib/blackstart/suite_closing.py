"""How a suite ends: what every experiment of it came to, why some were not run, the whole in a line. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate

from blackstart.errors import (
    EXIT_BROKE,
    EXIT_HELD,
    EXIT_INCONCLUSIVE,
    EXIT_NOT_RESTORED,
    EXIT_REFUSED,
)

Row = tuple[str, str, str]
"""An experiment, its verdict, and where its evidence is."""

SIGNALLED = (129, 130, 143)
_WORDS = {
    EXIT_HELD: "held",
    EXIT_BROKE: "broke",
    EXIT_INCONCLUSIVE: "inconclusive",
    EXIT_REFUSED: "refused",
    EXIT_NOT_RESTORED: "not restored",
    **dict.fromkeys(SIGNALLED, "interrupted"),
}


def worst(codes: Sequence[int]) -> int:
    """The suite's own code, in the order of verdicts: not restored, interrupted, broke, inconclusive, held.

    Refused only where every experiment was: it means that nothing was touched. Beside others it is missing data.
    """
    if set(codes) <= {EXIT_REFUSED}:
        return EXIT_REFUSED
    for code in (EXIT_NOT_RESTORED, *SIGNALLED, EXIT_BROKE):
        if code in codes:
            return code
    return EXIT_INCONCLUSIVE if {EXIT_INCONCLUSIVE, EXIT_REFUSED} & set(codes) else max(codes)


def told(title: str, rows: Sequence[Row], code: int, again: str) -> str:
    """The table, the suite's own verdict, and what runs it again."""
    held = sum(verdict == "held" for _, verdict, _ in rows)
    of = f"{held} of {len(rows)}" + ("" if code == EXIT_HELD else " held")
    lines = [
        tabulate([(name, verdict.replace("-", " "), where) for name, verdict, where in rows], headers=_HEADS),
        f"{title}: {_WORDS.get(code, f'exit code {code}')}, {of}",
        f"run again: {again}",
    ]
    return "\n".join(lines)


_HEADS = ("experiment", "verdict", "evidence")


def why_not(name: str, code: int) -> str:
    """Why the suite did not go on after the experiment of that name, which ended with this code."""
    if code in SIGNALLED:
        return f"{name} was interrupted, which ends the suite"
    if code == EXIT_NOT_RESTORED:
        return f"{name} is not restored, which ends the suite"
    return f"{name} did not hold; --keep-going runs the rest all the same"
