"""Answers came soon enough, counted from when each request was due. Percentiles by nearest rank, for one outcome."""

import math
from collections import Counter
from collections.abc import Mapping

from blackstart.base.percentiles import METHOD, percentiles_sql, rank
from blackstart.evidence.history import GIVEN_UP, History
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing, answered, keys, selected, vacuity
from blackstart.verdict.lateness import SHARED_PER_CPU


def latency_within(
    evidence: Recorded,
    *,
    limits_ms: Mapping[str, float],
    outcome: str = "ok",
    status: int | None = None,
    detail: str | None = None,
    op: str = "",
    phase: str = "",
    lossy: bool = False,
) -> CheckResult:
    """`limits_ms` maps p50, p99.9, ... or max to milliseconds. `outcome` "" takes all; `status`, `detail` narrow it,
    and what a `lossy` fault has lost does not count.

    Inconclusive where a limit could not be reached: too few requests were due that long before the undo, which lets go
    what hangs, or the load itself gave up sooner. Raises ValueError for a limit that is none.
    """
    shown = ", ".join(f"{name} ≤ {limit:g} ms" for name, limit in limits_ms.items())
    which = outcome or "all"
    report = Reporter(f"{shown} ({which}{f' {status}' if status is not None else ''}; {METHOD})")
    percents = {name: _percent(name) for name in limits_ms}
    if not all(limit > 0 for limit in limits_ms.values()) or not limits_ms:
        raise ValueError(f"there is no limit in {dict(limits_ms)!r}: write p95=200, in ms")
    try:
        rows = selected(evidence, op, phase, lossy)
    except Missing as missing:
        return report.unknown(str(missing))
    chosen = rows.where("start_s is not null and ?::varchar in ('', outcome::varchar)", outcome)
    chosen = chosen.where("?::integer is null or status = ?::integer", status, status)
    chosen = chosen.where("?::varchar is null or detail = ?::varchar", detail, detail)
    due, unsent = rows.one("select count(*), count(*) filter (not sent) from requests")
    why = vacuity(rows, ok_needed=False, keys_needed=False)
    if not why and unsent:
        why = f"{unsent} requests were never sent: what they would have waited is not known"
    count, values = chosen.one(f"select count(*), {percentiles_sql('latency_ms', percents.values())} from requests")
    if why or not count:
        return report.unknown(why or f"none of {due} requests is of this kind")
    figures = dict(zip(percents, values, strict=True))
    actual = ", ".join(f"{name} {value:.1f} ms" for name, value in figures.items()) + f" (n = {count})"
    over = {name: limits_ms[name] for name, value in figures.items() if value > limits_ms[name]}
    if not over:
        beyond = _beyond(evidence, chosen, phase, {percents[name]: limit for name, limit in limits_ms.items()})
        if not beyond and chosen.one(f"select count(*) from requests where {answered(evidence)}") == (0,):
            beyond = f"none of {count} requests was answered: no answer came soon enough"
        return report.unknown(beyond, actual) if beyond else report.held(actual)
    limit_ms = min(over.values())
    soon = Counter({name: count - slower for name, slower in _slower(chosen, over).items()})
    for row in chosen.each("latency_ms > ?", limit_ms):
        waited_ms = evidence.answer_ms(row)
        soon.update(name for name, limit in over.items() if waited_ms <= limit < row.latency_ms)
    if all(soon[name] >= rank(percents[name], count) for name in over):
        from_s, to_s = chosen.one("select min(intended_s), max(end_s) from requests")
        why = "only since the load itself sent late, we were late, or others had the processor"
        why += evidence.why_disturbed(from_s, to_s, SHARED_PER_CPU)
        return report.unknown(f"{', '.join(over)} over the limit, but {why}", actual)
    slowest = "select key, latency_ms, n from requests where latency_ms > ? and key <> ''"
    named, more = keys(chosen, slowest, limit_ms, order="latency_ms desc, n")
    return report.broke(f"{', '.join(over)} over the limit: {actual}", actual, named, more)


def _slower(rows: History, limits_ms: Mapping[str, float]) -> dict[str, int]:
    """How many took longer than each limit."""
    return {
        name: rows.one("select count(*) from requests where latency_ms > ?", limit)[0]
        for name, limit in limits_ms.items()
    }


def _beyond(evidence: Recorded, rows: History, phase: str, limits_ms: Mapping[float, float]) -> str:
    """Why the load could not have gone over a limit, by its percentile; "" where it could have over each of them."""
    broken = (phase == "fault" and evidence.record.changes()) or phase in evidence.stretches
    undo_s = evidence.phases[phase][1] if broken else math.inf
    for p, limit_ms in limits_ms.items():
        first_s, count, in_time, soon, cut, uncut, longest_ms = rows.one(
            "select min(intended_s), count(*), count(*) filter (in_time), count(*) filter (soon and not in_time), "
            "count(*) filter (soon and cut), count(*) filter (soon and not cut), max(latency_ms) filter (soon and cut) "
            "from (select *, intended_s + ? < ? as in_time, latency_ms <= ? as soon, starts_with(detail, ?) as cut "
            "from requests)",
            limit_ms / 1000, undo_s, limit_ms, GIVEN_UP,
        )  # fmt: skip
        if soon >= rank(p, count):
            least_s = limit_ms / 1000 - (undo_s - first_s)
            short = f", the first of them {least_s:.1f} s too late" if least_s > 0 else ""
            few = f"{in_time} of {count} requests were due {limit_ms:g} ms before the undo{short}"
            return f"the limit could not be reached: {few}; hold the fault for longer"
        if uncut < rank(p, count):
            short_ms = limit_ms - longest_ms
            return f"{cut} requests were given up by the load itself, {short_ms:.0f} ms before the limit"
    return ""


def _percent(name: str) -> float:
    if name == "max":
        return 100.0
    try:
        p = float(name.removeprefix("p"))
    except ValueError:
        p = 0.0
    if not name.startswith("p") or not 0 < p <= 100:
        raise ValueError(f"{name!r} is no percentile: write p50, p99.9 or max")
    return p
