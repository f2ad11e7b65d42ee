"""The delay that was asked for is the delay that there was: its distribution, measured on the load's own requests."""

from collections.abc import Mapping, Sequence
from math import comb

from blackstart.base.percentiles import percentile
from blackstart.evidence.history import Row
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, selected, vacuity

LEAST = 60
# How seldom a delay that is as asked for is taken for another one.
_BY_CHANCE = 1e-4
_NOISE_MS = 15.0
_SHOWN = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "max": 100.0}


def delays_met(
    evidence: Recorded, *, quantiles_ms: Mapping[str, float], op: str = "", phase: str = "fault"
) -> CheckResult:
    """`quantiles_ms` maps p50, p99, ... to the delay below which that part of the requests must be.

    A request's delay is what it took while the fault was in force, less the median of before; by as much as requests
    varied before, it may be off. For each quantile the number of delays above it must be as likely as not to come of
    what was asked for (a binomial test). Requests of a time in which we were late ourselves are left out. Never broke:
    it is about the fault itself.
    """
    report = Reporter(f"delays of {', '.join(f'{name} {limit:.0f} ms' for name, limit in quantiles_ms.items())}")
    try:
        before, rows = (selected(evidence, op, one).where("outcome = 'ok'") for one in ("baseline", phase))
    except Missing as missing:
        return report.unknown(str(missing))
    # What was under way when the delay began, or ended, was delayed in part.
    from_s, over_s = evidence.in_force
    rows = rows.where("start_s >= ? and end_s < ?", from_s, over_s)
    why = vacuity(before, keys_needed=False) or vacuity(rows, keys_needed=False)
    if why:
        return report.unknown(why)
    usual = _took_ms(before.rows)
    usual_ms = percentile(usual, 50)
    slack_ms = percentile(usual, 90) - usual_ms + _NOISE_MS
    delays = [took - usual_ms for took in _took_ms([row for row in rows.each() if not evidence.disturbed(row)])]
    if len(delays) < LEAST:
        few = f"{len(delays)} requests of a time in which we were not late"
        return report.unknown(f"{few} tell too little of a distribution: {LEAST - len(delays)} too few")
    shown = ", ".join(f"{name} {percentile(delays, p):.0f} ms" for name, p in _SHOWN.items())
    actual = f"{shown} (n = {len(delays)}, beyond the {usual_ms:.1f} ms of before, give or take {slack_ms:.0f} ms)"
    for name, limit_ms in quantiles_ms.items():
        wrong = _unlikely(delays, 1 - float(name.removeprefix("p")) / 100, limit_ms, slack_ms)
        if wrong:
            return report.unknown(f"{wrong} the {name} of {limit_ms:.0f} ms that was asked for: {actual}", actual)
    return report.held(actual)


def _took_ms(rows: Sequence[Row]) -> list[float]:
    return [(row.end_s - row.start_s) * 1000 for row in rows if row.start_s is not None and row.end_s is not None]


def _unlikely(delays: Sequence[float], share: float, limit_ms: float, slack_ms: float) -> str:
    """What speaks against `share` of the delays being above the limit; "" where it may be so."""
    of = len(delays)
    surely = sum(delay > limit_ms + slack_ms for delay in delays)
    perhaps = sum(delay > limit_ms - slack_ms for delay in delays)
    if _at_least(surely, of, share) < _BY_CHANCE:
        return f"{surely} of {of} delays were above"
    if _at_least(of - perhaps, of, 1 - share) < _BY_CHANCE:
        return f"only {perhaps} of {of} delays reached"
    return ""


def _at_least(seen: int, of: int, share: float) -> float:
    """The probability that at least so many of `of` have what a `share` of them has."""
    return sum(comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(seen, of + 1))
