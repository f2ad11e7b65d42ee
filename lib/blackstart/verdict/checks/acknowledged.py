"""What was sent in a phase was acknowledged, for (at least) a given share of the attempts."""

from blackstart.verdict.checks.outcomes import judged, share_of
from blackstart.verdict.checks.recorded import SAYS_NOT_NOW, Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, selected


def acknowledged(
    evidence: Recorded, *, min_share: float = 1.0, op: str = "", phase: str = "settle", usual: str = ""
) -> CheckResult:
    """Of requests and of programs alike. In the settling it finds what relapses under its load once it has recovered.

    With `usual` what was acknowledged with another detail (`bypassed`) is not as it should be: it is a fallback, which
    limits of time lead to. What our own lateness may have made (see `Recorded.disturbed`) does not break it. Raises
    ValueError for a share that is none.
    """
    wanted = share_of("requests", "every request", min_share)
    report = Reporter(f"{wanted} is acknowledged{f', as {usual}' if usual else ''}")
    try:
        rows = selected(evidence, op, phase)
    except Missing as missing:
        return report.unknown(str(missing))
    bad = rows.where("start_s is not null and (outcome <> 'ok' or (? <> '' and detail not in ('', ?)))", usual, usual)
    seen = rows.ask(
        "select if(outcome = 'ok' and detail <> '', detail, outcome::varchar) as what, count(*) "
        "from requests where sent group by what order by what"
    )
    actual = ", ".join(f"{count} × {what}" for what, count in seen) or "nothing was sent"
    fallback = "(? <> '' and outcome = 'ok' and detail not in ('', ?))"
    gave_way = (
        f"? in ('', op) and ({SAYS_NOT_NOW} and outcome <> 'ok' or {fallback})",
        op,
        usual,
        usual,
    )
    return judged(
        report, evidence, rows, bad, min_share=min_share, actual=actual, was="acknowledged", gave_way=gave_way
    )
