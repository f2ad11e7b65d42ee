"""What is left and what was sold make up what there was, in every store that counts it."""

from collections.abc import Sequence

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, number_in, present, selected, tallied, vacuity, waiting


def stock_conserved(
    evidence: Recorded, *, initial: float, stocks: Sequence[str], source: str = "keys", op: str = "", drained: str = ""
) -> CheckResult:
    """`initial` is what there was; of the final state, `source` lists what was sold, and `stocks` names what is left.

    `drained` is the probe of a queue's depth: what may still wait in it is sold and not there yet. A request whose fate
    is not known may keep one unit: a gap of as many units is told, and breaks nothing. Unless something was sold,
    nothing could have been lost.
    """
    report = Reporter(f"sold and left make {initial:g} in {' and '.join(stocks)}")
    rows = selected(evidence, op)
    try:
        there = present(evidence, source)
        left = {name: number_in(evidence, name) for name in stocks}
    except Missing as missing:
        return report.unknown(str(missing))
    (sold,) = rows.one(f"select coalesce(sum(n), 0) from {there}")
    unknown = tallied(evidence, rows, source)["info"].gone
    # Of a k6 script that names no keys:
    unknown += rows.one("select count(*) from requests where outcome = 'info' and key = ''")[0]
    gaps = {name: initial - sold - count for name, count in left.items()}
    told = "".join(f", {name} {count:g} (gap {gaps[name]:g})" for name, count in left.items())
    actual = f"{sold} sold of {initial:g}{told}; {unknown} of unknown fate"
    wrong = [f"{name}: {gap:g} units are gone without an order" for name, gap in gaps.items() if gap > unknown]
    wrong += [f"{name}: {-gap:g} units more than there can be" for name, gap in gaps.items() if gap < 0]
    left_over = waiting(evidence, drained) if drained and wrong else ""
    if left_over:
        return report.unknown(f"orders may still wait: {left_over}", actual)
    if wrong and not rows.unreadable:
        return report.broke("; ".join(wrong), actual)
    why = vacuity(rows)
    if not why and not sold:
        why = "nothing was sold: nothing could have been lost"
    return report.unknown(why, actual) if why else report.held(actual)
