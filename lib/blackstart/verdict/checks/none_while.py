"""No request is answered in a way that can't be while something else is so: counted, while the breaker is open."""

from blackstart.model.reading import Scalar
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import keys, selected
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
    spans = spans_of(evidence.readings(flag), value)
    inside = selected(evidence, op).where(
        "exists (select 1 from (select unnest(?::double[]) as from_s, unnest(?::double[]) as to_s) "
        "where from_s <= start_s and end_s <= to_s)",
        [from_s + slack_s for from_s, _ in spans], [to_s for _, to_s in spans],
    )  # fmt: skip
    hit = "outcome = 'ok' and detail = ?"
    count, hits = inside.one(f"select count(*), count(*) filter ({hit}) from requests", detail)
    actual = f"{count} requests in that time, {hits} of them {detail}"
    if hits:
        named = f"select key, n from requests where {hit} and key <> ''"
        return report.broke(actual, actual, *keys(inside, named, detail, order="n"))
    return (
        report.held(actual) if count else report.unknown(f"no request was sent and answered while {flag} was {value}")
    )
