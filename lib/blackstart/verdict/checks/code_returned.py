"""While the fault is in force, what fails is told by one error: not by another one, and not by silence."""

from blackstart.model.verdict import Verdict
from blackstart.verdict.checks.outcomes import judged
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter


def code_returned(evidence: Recorded, *, code: str, op: str = "") -> CheckResult:
    """About the requests that were sent, and had ended, while the fault was in force. A time-out is no answer, so it is
    not the expected one. Where none of them was told so, nothing was seen: inconclusive."""
    report = Reporter(f"what fails during the fault is told by {code}")
    from_s, over_s = evidence.in_force
    rows = evidence.history.of(op).where("start_s >= ? and end_s < ?", from_s, over_s)
    seen = rows.ask(
        "select case when outcome = 'ok' then 'ok' else coalesce(status::varchar, 'no answer') || ' ' || detail end, "
        "count(*) from requests group by 1 order by 1"
    )
    actual = ", ".join(f"{count} × {what.strip()}" for what, count in seen) or "no request while the fault was in force"
    wrong = rows.where("outcome <> 'ok' and (status is null or detail <> ?)", code)
    result = judged(report, evidence, rows, wrong, min_share=1.0, actual=actual, was=code)
    as_told = rows.where("outcome <> 'ok' and status is not null and detail = ?", code)
    if result.verdict == Verdict.HELD and not as_told.ask("select 1 from requests limit 1"):
        return report.unknown(f"nothing failed while the fault was in force, so no {code} was due: {actual}", actual)
    return result
