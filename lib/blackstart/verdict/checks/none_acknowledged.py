"""What nobody can keep is promised to nobody: of what is sent while the fault is in force, nothing is acknowledged."""

from blackstart.verdict.checks.outcomes import judged, sent_in_force, share_of
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, selected


def none_acknowledged(evidence: Recorded, *, op: str = "", min_share: float = 1.0) -> CheckResult:
    """Of what was sent while the fault was in force at least `min_share` must not be acknowledged before it is over: it
    is refused, in whatever way, or has no answer, which promises nothing.

    What was acknowledged later was so by a system that was back. What our own lateness may have made (see
    `Recorded.disturbed`) does not break it. Raises ValueError for a share that is none.
    """
    wanted = share_of("requests", "every request", min_share)
    report = Reporter(f"{wanted} is refused, or has no answer, while the fault is in force")
    try:
        rows = sent_in_force(evidence, selected(evidence, op, "fault"))
    except Missing as missing:
        return report.unknown(str(missing))
    seen = rows.ask(
        "select if(outcome = 'ok', 'acknowledged', coalesce(status::varchar, 'no answer')) as what, count(*) "
        "from requests where sent group by what order by what"
    )
    actual = ", ".join(f"{count} × {what}" for what, count in seen) or "nothing was sent"
    bad = rows.where("outcome = 'ok' and end_s < ?", evidence.in_force[1])
    return judged(report, evidence, rows, bad, min_share=min_share, actual=actual, was="refused")
