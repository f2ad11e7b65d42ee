"""Runs of one experiment compared over time: how long each transition took, and what the verdicts were. Pure.

Comparable are runs of one experiment and its faults, with the same flags, on one target with one mutant and the same
promises (its facts). A time is the middle of a transition's interval, counted from the proved effect. A run in which a
transition had to come and did not counts as one that took for ever, so that a median is not made better by the runs
that failed. Runs that are inconclusive or refused say nothing of times and are left out.

The interval of a median is the distribution-free one of the order statistics (binomial, 95 %): of n sorted times, from
the k-th smallest to the k-th largest, with the largest k for which both tails together have at most 5 %. It needs six
runs. Against a baseline, a median is worse when its whole interval lies above the baseline's whole interval, and it is
worse by at least 5 % and 20 ms (one fast tick). Nothing is assumed of how the times are spread.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from blackstart.base.percentiles import percentile
from blackstart.model.verdict import Verdict
from blackstart.reports.story import RunView

METHOD = "95 % interval of the median from order statistics; worse: above the baseline's interval, by 5 % and 20 ms"
LEAST_RUNS = 6
TAILS = 0.05
WORSE_SHARE, WORSE_S = 0.05, 0.02
# Where a run goes and how it talks does not change what it measures.
_FLAGS_APART = (
    "target", "api", "redis_container", "postgres_container", "redis_url", "database_url", "noninteractive",
    "pause_on_fail", "assume_link", "reports", "abort_command", "note", "total_max_s",
)  # fmt: skip
COUNTED = (Verdict.HELD, Verdict.BROKE, Verdict.NOT_RESTORED)


@dataclass(frozen=True)
class Run:
    """What a run adds to a trend. `times_s` maps `phase/name` to seconds; infinite where it broke instead of coming."""

    name: str
    key: str
    began: str
    verdict: Verdict
    times_s: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One transition over several runs. The interval is None with fewer than six; times may be infinite."""

    name: str
    n: int
    median_s: float
    p90_s: float
    low_s: float | None
    high_s: float | None
    latest_s: float


def run_of(view: RunView) -> Run:
    times = {f"{t.phase}/{t.name}": t.after_s for t in view.transitions}
    findings = {f"{f.phase}/{f.name}": f for f in view.judgement.findings if f.phase in ("fault", "recovery", "drain")}
    taken: dict[str, float] = {}
    for name, finding in findings.items():
        after_s = times.get(name)
        if after_s is not None:
            taken[name] = round(after_s, 6)
        elif finding.status == Verdict.BROKE:
            taken[name] = math.inf
    return Run(view.run, key_of(view), str(view.head.get("began", "")), view.judgement.verdict, taken)


def key_of(view: RunView) -> str:
    """What runs must have in common to be compared, in words: "leader-lock on trader, ..."."""
    target = view.target
    told = [f"{view.name} on {target['name']}"]
    told += [f"mutant {target['mutant']}"] if target.get("mutant") else []
    told += [change.what for change in view.changes]
    flags = view.head.get("flags") or {}
    told += [f"{name}={value}" for name, value in sorted(flags.items()) if name not in _FLAGS_APART]
    told += [f"{name} {value}" for name, value in sorted((target.get("facts") or {}).items())]
    return ", ".join(told)


def lines(runs: Sequence[Run]) -> list[Line]:
    """A line per transition, over the runs that count, in the order in which the runs name them."""
    counted = [run for run in runs if run.verdict in COUNTED]
    names = dict.fromkeys(name for run in counted for name in run.times_s)
    return [_line(name, [run.times_s[name] for run in counted if name in run.times_s]) for name in names]


def _line(name: str, times_s: Sequence[float]) -> Line:
    low_s, high_s = interval(times_s) or (None, None)
    return Line(name, len(times_s), median(times_s), percentile(times_s, 90), low_s, high_s, times_s[-1])


def median(times_s: Sequence[float]) -> float:
    """The middle value, or the mean of the two; infinite as soon as one of them is."""
    ordered, middle = sorted(times_s), len(times_s) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def interval(times_s: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of the median; None with too few times."""
    n, rank = len(times_s), 0
    while 2 * sum(math.comb(n, place) for place in range(rank + 1)) / 2**n <= TAILS:
        rank += 1
    if rank == 0:
        return None
    ordered = sorted(times_s)
    return ordered[rank - 1], ordered[n - rank]


@dataclass(frozen=True)
class Gate:
    """What the comparison with a baseline came to: `held`, `broke` or `inconclusive`, and why."""

    verdict: Verdict
    reasons: tuple[str, ...]


def gate(runs: Sequence[Run], baseline: dict[str, Any]) -> Gate:
    """Compare runs with a baseline (see `blackstart.reports.baseline`). The baseline's own runs are left out."""
    fresh = [run for run in runs if run.name not in set(baseline["runs"])]
    bad = [run for run in fresh if run.verdict in (Verdict.BROKE, Verdict.NOT_RESTORED)]
    worse = [f"{run.name} {run.verdict}, and all runs of the baseline held" for run in bad]
    now = {line.name: line for line in lines(fresh)}
    unsure: list[str] = []
    for name, before in baseline["transitions"].items():
        line = now.get(name)
        if line is None or line.low_s is None:
            unsure.append(f"{name}: {line.n if line else 0} of at least {LEAST_RUNS} runs since the baseline")
        elif _worse(line, before):
            told = f"median {shown(line.median_s)} [{shown(line.low_s)}, {shown(line.high_s)}]"
            was = f"{shown(before['median_s'])} [{shown(before['low_s'])}, {shown(before['high_s'])}]"
            worse.append(f"{name}: {told}, and {was} in the baseline")
    if worse:
        return Gate(Verdict.BROKE, tuple(worse))
    return Gate(Verdict.INCONCLUSIVE, tuple(unsure)) if unsure else Gate(Verdict.HELD, ())


def _worse(line: Line, before: dict[str, float]) -> bool:
    by_s = line.median_s - before["median_s"]
    above = line.low_s is not None and line.low_s > before["high_s"]
    return above and by_s >= max(WORSE_S, WORSE_SHARE * before["median_s"])


def shown(value_s: float | None) -> str:
    """Seconds for people; `never` for what did not come."""
    if value_s is None:
        return ""
    return "never" if math.isinf(value_s) else f"{value_s:.3f} s"
