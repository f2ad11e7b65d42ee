"""The stores agree with the answers and with each other: no entry lost, doubled, made of a refusal, or without its
counterpart."""

from collections.abc import Sequence

from blackstart.model.verdict import Verdict
from blackstart.verdict.checks.exactly_once import exactly_once
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, keys, other_results, present, selected, unsettled


def consistent(
    evidence: Recorded, *, sources: Sequence[str], ids: str = "", op: str = "", key_prefix: str = ""
) -> CheckResult:
    """Each of `sources` lists the keys of its entries in the final state. For each, acknowledged keys are there exactly
    once, unknown ones at most once, rejected ones not at all; and what one of them has of ours, the others have. Where
    `ids` lists the id and the key of what was made, acknowledged answers name (by their detail) the id of their key."""
    report = Reporter(f"{' and '.join(sources)} agree with the answers and with each other")
    rows = selected(evidence, op)
    results = {one: exactly_once(evidence, source=one, op=op, key_prefix=key_prefix) for one in sources}
    actual = "; ".join(f"{one}: {result.actual}" for one, result in results.items())
    for verdict in (Verdict.BROKE, Verdict.INCONCLUSIVE):
        told = {one: result for one, result in results.items() if result.verdict == verdict}
        message = "; ".join(f"{one}: {result.message}" for one, result in told.items())
        if told and verdict == Verdict.BROKE:
            return report.broke(message, actual)
        if told:
            return report.unknown(message, actual)
    try:
        tables, named = {one: present(evidence, one) for one in sources}, other_results(evidence, rows, ids)
    except Missing as missing:
        return report.unknown(str(missing))
    first = next(iter(tables))
    for one in list(tables)[1:]:
        for here, there in ((first, one), (one, first)):
            lonely, more = keys(
                rows,
                f"select key, first from {tables[here]} anti join {tables[there]} using (key) "
                "where starts_with(key, ?)",
                key_prefix,
            )
            if lonely and (why := unsettled(evidence)):
                return report.unknown(f"{len(lonely) + more} keys are in {here}, and not in {there}: {why}", actual)
            if lonely:
                return report.broke(
                    f"{len(lonely) + more} keys are in {here}, and not in {there}", actual, lonely, more
                )
    if named.keys and not named.doubt:
        return report.broke("answers name what is not recorded under their key", actual, named.keys, named.more)
    return report.unknown(named.doubt, actual) if named.doubt else report.held(actual)
