"""All answers to one key name the same result."""

from blackstart.verdict.checks.recorded import UNAVAILABLE, Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import keys, selected, unnamed_results, vacuity


def same_result(evidence: Recorded, *, op: str = "", every: bool = False) -> CheckResult:
    """The detail of an acknowledged answer names its result. With `every`, each request must have been acknowledged,
    as where nothing was broken: an error is then not the same result either.

    A key that was acknowledged once can't show two results: without one that was acknowledged twice, inconclusive.
    """
    report = Reporter("all answers to one key name the same result")
    rows = selected(evidence, op).where("start_s is not null and key <> ''")
    of_each = (
        "select key, min(n) as first, count(*) filter (outcome = 'ok') as oks, count(distinct detail) filter "
        "(outcome = 'ok' and detail <> '') as results, count(*) filter (outcome = 'ok' and detail = '') as unnamed "
        "from requests group by key"
    )
    answers, results, unnamed, again = rows.one(
        f"select coalesce(sum(oks), 0), coalesce(max(results), 0), coalesce(sum(unnamed), 0), "
        f"count(*) filter (oks > 1) from ({of_each})"
    )
    actual = f"{answers} acknowledged answers, at most {results} different results for a key"
    different, more = keys(rows, f"select key, first from ({of_each}) where results > 1")
    if different:
        return report.broke("answers to one key name different results", actual, different, more)
    if every:
        others = rows.where("outcome <> 'ok'")
        ours = evidence.disturbed_ones(others, f"? in ('', op) and {UNAVAILABLE}", op)
        counted = others.ask(
            "select coalesce(status::varchar, 'no answer'), detail, count(*) from requests group by 1, 2"
        )
        failed = sum(count for *_, count in counted)
        told = ", ".join(f"{count} × {' '.join(filter(None, (status, detail)))}" for status, detail, count in counted)
        if failed > len(ours):
            return report.broke(f"{failed} answers are no result: {told}", f"{actual}; {told}")
        if failed:
            return report.unknown(f"{failed} answers are no result ({told}), while we were late ourselves", actual)
    why = vacuity(rows)
    if not why and unnamed:
        why = unnamed_results(unnamed)
    if not why and not again:
        why = "no key was acknowledged twice: no two answers could have differed"
    return report.unknown(why, actual) if why else report.held(actual)
