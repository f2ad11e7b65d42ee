"""No more was sold than there was, and no stock is below zero."""

from collections.abc import Sequence

from blackstart.evidence.history import History
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys, number_in, present, selected, tallied, vacuity


def no_oversell(
    evidence: Recorded, *, initial: float, source: str = "keys", remaining: Sequence[str] = (), op: str = ""
) -> CheckResult:
    """`initial` is what there was to sell; of the final state, `source` lists what was sold, `remaining` names stocks.

    Unless all of it was sold, or a stock came to 0, nothing could have been oversold, however many asked: inconclusive.
    When the last of them was accepted is told: it need not be under the fault.
    """
    report = Reporter(f"at most {initial:g} sold, no stock below 0")
    rows = selected(evidence, op)
    try:
        there, tally = present(evidence, source), tallied(evidence, rows, source)
        left = {name: number_in(evidence, name) for name in remaining}
    except Missing as missing:
        return report.unknown(str(missing))
    (sold,) = rows.one(f"select coalesce(sum(n), 0) from {there}")
    asked, accepted = sum(one.count for one in tally.values()), tally["ok"].count
    stocks = "".join(f", {name} {value:g}" for name, value in left.items())
    actual = f"{asked} asked for, {accepted} accepted, {sold} sold{stocks}{_sold_out(evidence, rows, int(initial))}"
    faults = [
        f"{sold} sold of {initial:g}" if sold > initial else "",
        f"{accepted} accepted of {initial:g}" if accepted > initial else "",
        *(f"{name} is {value:g}" for name, value in left.items() if value < 0),
    ]
    if any(faults):
        over, more = _beyond(rows, int(initial)) if accepted > initial else ([], 0)
        return report.broke("; ".join(filter(None, faults)), actual, over, more)
    why = vacuity(rows)
    if not why and max(sold, accepted) < initial and 0 not in left.values():
        why = f"it never ran out ({actual}, of {initial:g}): nothing could have been oversold"
    return report.unknown(why, actual) if why else report.held(actual)


def _sold_out(evidence: Recorded, rows: History, initial: int) -> str:
    """When as many were accepted as there were, seen from the first change."""
    if not initial or evidence.struck_s is None:
        return ""
    last = rows.ask(f"select end_s from {rows.accepted} order by end_s limit 1 offset {initial - 1}")
    if not last:
        return ""
    after_s = last[0][0] - evidence.struck_s
    return f", the last one {abs(after_s):.1f} s {'after' if after_s >= 0 else 'before'} the fault began"


def _beyond(rows: History, initial: int) -> tuple[list[str], int]:
    """The requests that were accepted when as many as there were had been."""
    return keys(rows, f"select key, first from {rows.accepted} order by first offset {initial}")
