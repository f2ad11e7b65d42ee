"""No more was sold than there was, and no stock is below zero."""

from collections.abc import Sequence

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys, number_in, present, selected, vacuity


def no_oversell(
    evidence: Recorded, *, initial: float, source: str = "keys", remaining: Sequence[str] = (), op: str = ""
) -> CheckResult:
    """`initial` is what there was to sell; of the final state, `source` lists what was sold, `remaining` names stocks.

    Unless more was asked for than there was, nothing could have been oversold: inconclusive.
    """
    report = Reporter(f"at most {initial:g} sold, no stock below 0")
    rows = selected(evidence, op)
    try:
        there = present(evidence, source)
        left = {name: number_in(evidence, name) for name in remaining}
    except Missing as missing:
        return report.unknown(str(missing))
    (sold,) = rows.one(f"select coalesce(sum(n), 0) from {there}")
    asked, accepted = rows.one(f"select count(*), count(*) filter (fate = 'ok') from {rows.fates}")
    stocks = "".join(f", {name} {value:g}" for name, value in left.items())
    actual = f"{asked} asked for, {accepted} accepted, {sold} sold{stocks}"
    faults = [
        f"{sold} sold of {initial:g}" if sold > initial else "",
        f"{accepted} accepted of {initial:g}" if accepted > initial else "",
        *(f"{name} is {value:g}" for name, value in left.items() if value < 0),
    ]
    if any(faults):
        late = f"select key, first from {rows.fates} where fate = 'ok' order by first offset {int(initial)}"
        over, more = keys(rows, late) if accepted > initial else ([], 0)
        return report.broke("; ".join(filter(None, faults)), actual, over, more)
    why = vacuity(rows)
    if not why and asked <= initial:
        why = f"only {asked} were asked for, and there were {initial:g}: nothing could have been oversold"
    return report.unknown(why, actual) if why else report.held(actual)
