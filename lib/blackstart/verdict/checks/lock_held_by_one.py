"""Who had the lock is one order: what instances report of their leaderships, and whom the lock itself named."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from blackstart.model.reading import Reading
from blackstart.verdict.checks.leaderships import Leadership, of_run
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.checks.state import Missing
from blackstart.verdict.linearizability import Operation, Search, contradiction
from blackstart.verdict.sequential_models import Lock

_MOST_STEPS = 2_000_000


def lock_held_by_one(
    evidence: Recorded, reports: tuple[str, ...], lock: str, free: str, notice_s: float, assumed: str = ""
) -> CheckResult:
    """`reports` are collected `/leadership` answers, `lock` is the probe that read who has it, `free` what it reads
    while nobody has. Each leadership is an acquisition and, when it last acted, an act of its holder; each reading sees
    who has the lock. An acquisition that is read and not reported may have been at any time.

    Whoever has lost it may act for `notice_s`, until it must have seen that; where `assumed` says that this is nobody's
    word, an act that came later is inconclusive, and what to declare is told.
    """
    report = Reporter("one order of who had the lock")
    try:
        leaderships = of_run(evidence, reports)
    except Missing as missing:
        return report.unknown(str(missing))
    named = [one for one in evidence.readings(lock) if one.kind == "value" and one.value != free and _names(one)]
    figures = f"{len(leaderships)} leaderships, {len(named)} readings of who has the lock"
    holders = {one.instance for one in leaderships}
    if not any(one.value in holders for one in named):
        seen = f"{len(named)} of none of the instances that report" if named else "none"
        return report.unknown(f"not observed: of the readings of who has the lock ({lock}), {seen}", figures)
    if len(leaderships) < 2:
        return report.unknown(f"only one leadership of this run was seen, which nothing could contradict: {figures}")
    began_s = evidence.began_s("baseline") or 0.0
    operations = [*_reported(leaderships, began_s), *_seen(named, notice_s)]
    possible = Search(Lock, operations, _MOST_STEPS).run()
    if possible is None:
        return report.unknown(f"too many orders to try within {_MOST_STEPS} steps: {figures}", figures)
    if possible:
        return report.held(figures)
    told = _told(operations, began_s)
    return report.unknown(f"{told}, but {assumed}", figures) if assumed else report.broke(told, figures)


def _reported(leaderships: Sequence[Leadership], began_s: float) -> Iterator[Operation]:
    for one in leaderships:
        who = (one.instance, repr(one.acquired_s))
        acted = f"{one}, leader since {one.acquired_s - began_s:.3f} s, acted"
        yield Operation("acquire", who, None, -math.inf, one.acquired_s + one.slack_s, f"{one} led")
        yield Operation("act", None, who, one.acted_s - one.slack_s, one.acted_s + one.slack_s, acted)


def _seen(named: Sequence[Reading], notice_s: float) -> Iterator[Operation]:
    for holder, group in groupby(named, key=lambda one: str(one.value)):
        stretch = list(group)
        yield Operation("acquire", (holder, ""), None, -math.inf, math.inf)
        for one in (stretch[0], stretch[-1]):  # what is the same in between tells nothing more
            told = f"{holder[:8]} had it by the lock itself"
            yield Operation("see", None, holder, one.sent_s, one.answered_s + notice_s, told)


def _names(reading: Reading) -> bool:
    """Neither null nor a blank is anybody's name."""
    return reading.value is not None and str(reading.value).strip() != ""


def _told(operations: Sequence[Operation], began_s: float) -> str:
    few, _ = contradiction(Lock, operations, _MOST_STEPS)
    shown = (f"{one.name} at {(one.end_s if one.action == 'acquire' else one.start_s) - began_s:.3f} s" for one in few)
    return f"two had the lock: no order of these is one lock's, from the begin of the run: {'; '.join(shown)}"
