"""No more was sold than there was, and no stock is below zero."""

from collections.abc import Sequence

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys_in, number_in, selected, vacuity


def no_oversell(
    evidence: Recorded, *, initial: float, source: str = "keys", remaining: Sequence[str] = (), op: str = ""
) -> CheckResult:
    """`initial` is what there was to sell; of the final state, `source` lists what was sold, `remaining` names stocks.

    Unless more was asked for than there was, nothing could have been oversold: inconclusive.
    """
    report = Reporter(f"at most {initial:g} sold, no stock below 0")
    rows = selected(evidence, op)
    try:
        sold = sum(keys_in(evidence, source).values())
        left = {name: number_in(evidence, name) for name in remaining}
    except Missing as missing:
        return report.unknown(str(missing))
    fates = rows.fates()
    accepted = [key for key, fate in fates.items() if fate == "ok"]
    stocks = "".join(f", {name} {value:g}" for name, value in left.items())
    actual = f"{len(fates)} asked for, {len(accepted)} accepted, {sold} sold{stocks}"
    faults = [
        f"{sold} sold of {initial:g}" if sold > initial else "",
        f"{len(accepted)} accepted of {initial:g}" if len(accepted) > initial else "",
        *(f"{name} is {value:g}" for name, value in left.items() if value < 0),
    ]
    if any(faults):
        over = accepted[int(initial) :] if len(accepted) > initial else ()
        return report.broke("; ".join(filter(None, faults)), actual, over)
    why = vacuity(rows)
    if not why and len(fates) <= initial:
        why = f"only {len(fates)} were asked for, and there were {initial:g}: nothing could have been oversold"
    return report.unknown(why, actual) if why else report.held(actual)
