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
    So it is where all was accepted before anything was broken: that is no test of the fault.
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
    actual = f"{asked} asked for, {accepted} accepted, {sold} sold{stocks}"
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
    if not why and evidence.struck_s is not None:
        (before,) = rows.one(
            "select count(distinct key) from requests where outcome = 'ok' and end_s <= ?", evidence.struck_s
        )
        why = f"all {initial:g} were accepted before anything was broken" if before >= initial else ""
    return report.unknown(why, actual) if why else report.held(actual)


def _beyond(rows: History, initial: int) -> tuple[list[str], int]:
    """The requests that were accepted when as many as there were had been."""
    accepted = "select key, min(n) as first from requests where outcome = 'ok' and key <> '' group by key"
    return keys(rows, f"{accepted} order by first offset {initial}")
