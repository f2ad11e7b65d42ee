"""No request ended in a time-out: neither an answer that says so, nor none in time."""

from collections.abc import Sequence

from blackstart.evidence.history import GIVEN_UP
from blackstart.model.verdict import Verdict
from blackstart.verdict.checks.outcomes import judged
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, answered, selected


def no_timeouts(
    evidence: Recorded, *, codes: Sequence[str] = ("TIMEOUT",), op: str = "", phase: str = ""
) -> CheckResult:
    """An answer says so by its status, 408 or 504, or by a detail that is one of `codes`. What the load itself waited
    for no longer counts too; what our own lateness may have made does not break it."""
    report = Reporter("no request timed out")
    try:
        rows = selected(evidence, op, phase)
    except Missing as missing:
        return report.unknown(str(missing))
    late = "start_s is not null and (coalesce(status in (408, 504), false) or starts_with(detail, ?) "
    bad = rows.where(late + "or (outcome <> 'ok' and detail in (select unnest(?::varchar[]))))", GIVEN_UP, list(codes))
    sent, failed = rows.one("select count(start_s) from requests")[0], bad.one("select count(*) from requests")[0]
    actual = f"{failed} of {sent} timed out"
    result = judged(report, evidence, rows, bad, min_share=1.0, actual=actual, was="in time")
    if result.verdict == Verdict.HELD and rows.one(f"select count(*) from requests where {answered(evidence)}") == (0,):
        return report.unknown(f"none of {sent} requests was answered: no answer was in time", actual)
    return result
