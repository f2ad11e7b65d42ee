"""Answers came soon enough, counted from when each request was due. Percentiles by nearest rank, for one outcome."""

import math
from collections.abc import Mapping, Sequence

from blackstart.base.percentiles import METHOD, percentile
from blackstart.evidence.history import GIVEN_UP, Row
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, selected, vacuity


def latency_within(
    evidence: Recorded,
    *,
    limits_ms: Mapping[str, float],
    outcome: str = "ok",
    status: int | None = None,
    detail: str | None = None,
    op: str = "",
    phase: str = "",
) -> CheckResult:
    """`limits_ms` maps p50, p99.9, ... or max to milliseconds. `outcome` "" takes all; `status`, `detail` narrow it.

    Inconclusive where a limit could not be reached: too few requests were due that long before the undo, which lets go
    what hangs, or the load itself gave up sooner. Raises ValueError for a limit that is none.
    """
    shown = ", ".join(f"{name} ≤ {limit:g} ms" for name, limit in limits_ms.items())
    which = outcome or "all"
    report = Reporter(f"{shown} ({which}{f' {status}' if status is not None else ''}; {METHOD})")
    ranks = {name: _rank(name) for name in limits_ms}
    if not all(limit > 0 for limit in limits_ms.values()) or not limits_ms:
        raise ValueError(f"there is no limit in {dict(limits_ms)!r}: write p95=200, in ms")
    try:
        rows = selected(evidence, op, phase)
    except Missing as missing:
        return report.unknown(str(missing))
    chosen = [row for row in rows.rows if row.sent and _is_of(row, outcome, status, detail)]
    unsent = sum(not row.sent for row in rows.rows)
    why = vacuity(rows, ok_needed=False, keys_needed=False)
    if not why and unsent:
        why = f"{unsent} requests were never sent: what they would have waited is not known"
    if why or not chosen:
        return report.unknown(why or f"none of {len(rows.rows)} requests is of this kind")
    values = [row.latency_ms for row in chosen]
    figures = {name: percentile(values, rank) for name, rank in ranks.items()}
    actual = ", ".join(f"{name} {value:.1f} ms" for name, value in figures.items()) + f" (n = {len(values)})"
    over = [name for name, value in figures.items() if value > limits_ms[name]]
    if not over:
        beyond = _beyond(evidence, chosen, phase, {ranks[name]: limit for name, limit in limits_ms.items()})
        return report.unknown(beyond, actual) if beyond else report.held(actual)
    limit_ms = min(limits_ms[name] for name in over)
    waited = [evidence.answer_ms(row) if row.latency_ms > limit_ms else row.latency_ms for row in chosen]
    if all(percentile(waited, ranks[name]) <= limits_ms[name] for name in over):
        why = f"only since the load itself sent late, or we were late{evidence.why_disturbed(chosen)}"
        return report.unknown(f"{', '.join(over)} over the limit, but {why}", actual)
    slowest = sorted((row for row in chosen if row.latency_ms > limit_ms), key=lambda row: -row.latency_ms)
    return report.broke(f"{', '.join(over)} over the limit: {actual}", actual, [row.key for row in slowest])


def _beyond(evidence: Recorded, rows: Sequence[Row], phase: str, limits_ms: Mapping[float, float]) -> str:
    """Why the load could not have gone over a limit, by its rank; "" where it could have gone over each of them."""
    broken = (phase == "fault" and evidence.record.changes()) or phase in evidence.stretches
    undo_s = evidence.phases[phase][1] if broken else math.inf
    first_s = min(row.intended_s for row in rows)
    for rank, limit_ms in limits_ms.items():
        slow = [math.inf if row.intended_s + limit_ms / 1000 < undo_s else row.latency_ms for row in rows]
        if percentile(slow, rank) <= limit_ms:
            least_s = limit_ms / 1000 - (undo_s - first_s)
            short = f", the first of them {least_s:.1f} s too late" if least_s > 0 else ""
            few = f"{slow.count(math.inf)} of {len(rows)} requests were due {limit_ms:g} ms before the undo{short}"
            return f"the limit could not be reached: {few}; hold the fault for longer"
        cut = [row for row in rows if row.detail.startswith(GIVEN_UP) and row.latency_ms <= limit_ms]
        if percentile([math.inf if row in cut else row.latency_ms for row in rows], rank) > limit_ms:
            short_ms = limit_ms - max(row.latency_ms for row in cut)
            return f"{len(cut)} requests were given up by the load itself, {short_ms:.0f} ms before the limit"
    return ""


def _is_of(row: Row, outcome: str, status: int | None, detail: str | None) -> bool:
    return outcome in ("", row.outcome) and status in (None, row.status) and detail in (None, row.detail)


def _rank(name: str) -> float:
    if name == "max":
        return 100.0
    try:
        rank = float(name.removeprefix("p"))
    except ValueError:
        rank = 0.0
    if not name.startswith("p") or not 0 < rank <= 100:
        raise ValueError(f"{name!r} is no percentile: write p50, p99.9 or max")
    return rank
