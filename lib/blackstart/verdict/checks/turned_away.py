"""Under more load than it takes, a system serves what it can and refuses the rest: no error of its own, no silence."""

from blackstart.model.verdict import Verdict
from blackstart.verdict.checks.outcomes import judged
from blackstart.verdict.checks.per_window import per_window
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import selected


def turned_away(
    evidence: Recorded, *, code: str, most: int, window_s: float, sliding: bool = False, op: str = ""
) -> CheckResult:
    """Every request must be acknowledged, or rejected with a 4xx whose detail is `code`; some must be acknowledged, and
    no more than `most` in a window (see `per_window`). Where nobody was turned away nothing was tested; nor where all
    were that were sent within one window, which others may have used up."""
    report = Reporter(f"each request is accepted, or turned away with {code}")
    rows = selected(evidence, op)
    seen = rows.ask(
        "select case when outcome = 'ok' then 'accepted' else coalesce(status::varchar, 'no answer') || ' ' || detail "
        "end, count(*) from requests where sent group by 1 order by 1"
    )
    actual = ", ".join(f"{count} × {what.strip()}" for what, count in seen) or "no request was sent"
    turned = "coalesce(status between 400 and 499, false) and detail = ?"
    other = rows.where(f"start_s is not null and outcome <> 'ok' and not ({turned})", code)
    result = judged(report, evidence, rows, other, min_share=1.0, actual=actual, was="as promised")
    if result.verdict != Verdict.HELD:
        return result
    served, turned_n, lasted_s = rows.one(
        f"select count(*) filter (outcome = 'ok'), count(*) filter (outcome <> 'ok' and {turned}), "
        "coalesce(max(start_s) - min(end_s), 0) from requests where sent", code,
    )  # fmt: skip
    if not turned_n:
        return report.unknown(f"nobody was turned away: {actual}", actual)
    if not served and lasted_s <= window_s:
        return report.unknown(f"nobody was served within one window, which others may have used up: {actual}", actual)
    if not served:
        return report.broke(f"nobody was served: {actual}", actual)
    kept = per_window(evidence, most=most, window_s=window_s, sliding=sliding, op=op, limited_code=code)
    if kept.verdict != Verdict.HELD:
        return kept
    return report.held(f"{actual}; {kept.actual}")
