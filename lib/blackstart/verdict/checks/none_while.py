"""No request is answered in a way that can't be while something else is so: counted, while the breaker is open."""

from blackstart.model.reading import Scalar
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import selected
from blackstart.verdict.checks.steady_while import spans_of


def none_while(
    evidence: Recorded, *, flag: str, value: Scalar, detail: str, op: str = "", slack_s: float = 0.25
) -> CheckResult:
    """No acknowledged request with this `detail` was sent and answered while the probe `flag` certainly read `value`.

    `slack_s` after it was first seen belongs to what was under way. Without a `detail`, or without a request sent and
    answered in that time, nothing was seen.
    """
    report = Reporter(f"no answer {detail or 'of that kind'} while {flag} is {value}")
    if not detail:
        return report.unknown("the target does not name the word for it")
    spans = [(from_s + slack_s, to_s) for from_s, to_s in spans_of(evidence.readings(flag), value)]
    inside = [
        row
        for row in selected(evidence, op).rows
        if row.start_s is not None and row.end_s is not None
        and any(from_s <= row.start_s and row.end_s <= to_s for from_s, to_s in spans)
    ]  # fmt: skip
    hits = [row.key for row in inside if row.outcome == "ok" and row.detail == detail]
    actual = f"{len(inside)} requests in that time, {len(hits)} of them {detail}"
    if hits:
        return report.broke(actual, actual, hits)
    return (
        report.held(actual) if inside else report.unknown(f"no request was sent and answered while {flag} was {value}")
    )
