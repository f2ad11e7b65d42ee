"""Every attempt that was answered stands in the record that the system keeps of attempts."""

from collections.abc import Sequence

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import MOST_OFFENDERS, CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, present, selected, unsettled, vacuity


def attempts_recorded(
    evidence: Recorded, *, source: str, statuses: Sequence[int], details: Sequence[str] = (), op: str = ""
) -> CheckResult:
    """`source` of the final state lists the key of each attempt, once for each time.

    Those with one of `statuses`, or of `details` (`STOCK_UNAVAILABLE`), were decided by who keeps the record; what had
    another answer, or none, may stand there or not. Unless both an acknowledged and another attempt was decided, it is
    not known whether both are recorded.
    """
    report = Reporter("every decided attempt is recorded")
    rows = selected(evidence, op)
    try:
        there = present(evidence, source)
    except Missing as missing:
        return report.unknown(str(missing))
    decided = rows.where("key <> '' and (status in ?::integer[] or detail in ?)", list(statuses), list(details))
    count, ok = decided.one("select count(*), count(*) filter (outcome = 'ok') from requests")
    lost = decided.ask(
        "select a.key, count(*) over () from "
        "(select key, count(*) as answered, min(n) as began from requests group by key) a "
        f"left join {there} p using (key) where a.answered > coalesce(p.n, 0) order by a.began limit {MOST_OFFENDERS}"
    )
    actual = f"{count} decided attempts, {ok} of them acknowledged"
    if lost:
        few, many = [key for key, _ in lost], lost[0][1]
        if why := unsettled(evidence):
            return report.unknown(f"attempts of {many} keys are not recorded yet: {why}", actual, few)
        return report.broke(f"attempts of {many} keys are not recorded", actual, few, many - len(few))
    why = vacuity(rows)
    if not why and ok == count:
        why = "no attempt was refused: whether those are recorded was not seen"
    return report.unknown(why, actual) if why else report.held(actual)
