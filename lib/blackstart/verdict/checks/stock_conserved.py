"""What is left and what was sold make up what there was, in every store that counts it."""

from collections.abc import Sequence

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import (
    Missing,
    number_in,
    present,
    selected,
    tallied,
    unrecorded,
    unsettled,
    vacuity,
)


def stock_conserved(
    evidence: Recorded,
    *,
    initial: float,
    stocks: Sequence[str],
    totals: Sequence[str] = (),
    source: str = "keys",
    op: str = "",
    drained: str = "",
) -> CheckResult:
    """`initial` is what there was; of the final state, `source` lists what was sold, and `stocks` names what is left.
    `totals` names what is left and the orders of our load together, as a store that holds both told it in one look.

    `drained` is the probe of a queue's depth: what may still wait in it is sold and not there yet. A request whose fate
    is not known may keep one unit of `stocks`: a gap of as many is told, and breaks nothing; nor does any where some
    may have left no row. In `totals` no order is on its way: they are what there was. Unless something was sold,
    nothing could have been lost. Raises ValueError where neither `stocks` nor `totals` names anything.
    """
    if not stocks and not totals:
        raise ValueError("stock_conserved needs a count of what is left: name stocks or totals")
    report = Reporter(f"sold and left make {initial:g} in {' and '.join([*stocks, *totals])}")
    rows = selected(evidence, op)
    try:
        there = present(evidence, source)
        left = {name: number_in(evidence, name) for name in stocks}
        whole = {name: number_in(evidence, name) for name in totals}
    except Missing as missing:
        return report.unknown(str(missing))
    (sold,) = rows.one(f"select coalesce(sum(n), 0) from {there}")
    unknown = tallied(evidence, rows, source)["info"].gone
    # Of a k6 script that names no keys:
    unknown += rows.one("select count(*) from requests where outcome = 'info' and key = ''")[0]
    gaps = {name: initial - sold - count for name, count in left.items()}
    short = {name: initial - count for name, count in whole.items()}
    told = "".join(f", {name} {(left | whole)[name]:g} (gap {gap:g})" for name, gap in (gaps | short).items())
    actual = f"{sold} sold of {initial:g}{told}; {unknown} of unknown fate"
    # What left no row may keep a unit too, but puts none back.
    no_row = unrecorded(evidence)
    wrong = [_wrong(name, gap) for name, gap in gaps.items() if gap < 0 or (gap > unknown and not no_row)]
    sure = [_wrong(name, gap) for name, gap in short.items() if gap]
    left_over = unsettled(evidence, drained) if wrong else ""
    if left_over and not sure:
        return report.unknown(f"orders may still wait: {left_over}", actual)
    wrong = [] if left_over or rows.unreadable else wrong
    if wrong or sure:
        return report.broke("; ".join([*wrong, *sure]), actual)
    why = vacuity(rows)
    if not why and any(gap > unknown for gap in gaps.values()):
        why = no_row
    if not why and not sold:
        why = "nothing was sold: nothing could have been lost"
    return report.unknown(why, actual) if why else report.held(actual)


def _wrong(name: str, gap: float) -> str:
    """Units that are gone, or more than there were where `gap` is below 0."""
    return f"{name}: {abs(gap):g} units {'are gone without an order' if gap > 0 else 'more than there can be'}"
