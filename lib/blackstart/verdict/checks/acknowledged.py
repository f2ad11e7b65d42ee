"""What was sent in a phase was acknowledged, for (at least) a given share of the attempts."""

from collections import Counter

from blackstart.verdict.checks.outcomes import judged, share_of
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, selected


def acknowledged(
    evidence: Recorded, *, min_share: float = 1.0, op: str = "", phase: str = "settle", usual: str = ""
) -> CheckResult:
    """Of requests and of programs alike. In the settling it finds what relapses under its load once it has recovered.

    With `usual` what was acknowledged with another detail (`bypassed`) is not as it should be. What our own lateness
    may have made (see `Recorded.disturbed`) does not break it. Raises ValueError for a share that is none.
    """
    wanted = share_of("requests", "every request", min_share)
    report = Reporter(f"{wanted} is acknowledged{f', as {usual}' if usual else ''}")
    try:
        rows = selected(evidence, op, phase)
    except Missing as missing:
        return report.unknown(str(missing))
    sent = [row for row in rows.rows if row.sent]
    bad = [row for row in sent if row.outcome != "ok" or (usual and row.detail not in ("", usual))]
    seen = Counter(row.detail if row.outcome == "ok" and row.detail else row.outcome for row in sent)
    actual = ", ".join(f"{count} × {what}" for what, count in sorted(seen.items())) or "nothing was sent"
    return judged(report, evidence, rows, bad, min_share=min_share, actual=actual, was="acknowledged")
