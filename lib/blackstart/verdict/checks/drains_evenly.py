"""A backlog is worked off at one pace: what is twice as long takes twice as long, and no more."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult, Reporter
from blackstart.verdict.lateness import SHARED_PER_CPU

_LEAST_READINGS = 5
_SHARES = [tenth / 10 for tenth in range(1, 11)]


def drains_evenly(evidence: Recorded, *, probe: str, least: float = 500.0, most_off: float = 0.15) -> CheckResult:
    """From the highest reading of `probe` after the load's last answer to the first 0: no reading in between may lie
    further from the straight line than this share of the highest one. So the time to recover is in proportion to what
    waited, for every size up to that.

    A backlog of less than `least`, fewer than five readings of it, one that was never worked off, and a pace that
    may have changed by our own lateness, or by what others had of the processors, tell nothing: inconclusive. Nor
    does one that is uneven by no more than it falls at a time besides, as where offsets are committed seldom, or
    was not read for more than that share of the time: both make steps of an even pace.
    """
    report = Reporter(f"{probe} falls evenly, within {most_off:.0%} of its height")
    (ended_s,) = evidence.history.one("select max(end_s) from requests")
    if ended_s is None:
        return report.unknown("no request was answered")
    read = [
        (one.answered_s, one.number)
        for one in evidence.readings(probe)
        if one.number is not None and one.sent_s >= ended_s
    ]
    height = max((value for _, value in read), default=0.0)
    if height < least:
        return report.unknown(f"{probe} was {height:g} at most once all was sent: too few waited to tell a pace")
    top = next(at for at, (_, value) in enumerate(read) if value == height)
    empty = next((at for at, (_, value) in enumerate(read) if at > top and value == 0), None)
    if empty is None:
        return report.unknown(f"{probe} was never seen at 0 again")
    (from_s, _), (to_s, _) = read[top], read[empty]
    if empty - top < _LEAST_READINGS:
        return report.unknown(f"{probe} was read only {empty - top} times on its way from {height:g} to 0")
    off, at_s = _off(read[top : empty + 1])
    actual = f"{height:g} in {to_s - from_s:.1f} s, {height / (to_s - from_s):.0f} a second; {off / height:.0%} off"
    if off <= most_off * height:
        return report.held(actual)
    late = evidence.lateness.told(from_s, to_s)
    if late:
        return report.unknown(f"the pace changed, but we were late ourselves: {late}", actual)
    # As if others had had all of the time that they may have had, or some of it.
    had_s = [evidence.lateness.crowded_s(from_s, at, SHARED_PER_CPU) for at, _ in read[top : empty + 1]]
    for share in _SHARES if had_s[-1] else ():
        own = [(at - share * had, value) for (at, value), had in zip(read[top : empty + 1], had_s, strict=True)]
        if _off(own)[0] <= most_off * height:
            others = evidence.lateness.told(from_s, to_s, SHARED_PER_CPU)
            return report.unknown(f"the pace is even but for the time that others may have had: {others}", actual)
    way = [*pairwise(read[top : empty + 1])]
    step = median([before - after for (_, before), (_, after) in way if after < before])
    if off <= most_off * height + step:
        seldom = "offsets are committed too seldom to tell a pace so well"
        return report.unknown(f"{probe} fell by {step:g} at a time: {seldom}", actual)
    unread_s = max(then_s - now_s for (now_s, _), (then_s, _) in way)
    if unread_s > most_off * (to_s - from_s):
        return report.unknown(f"{probe} was not read for {unread_s:.1f} s on its way to 0", actual)
    return report.broke(f"the pace changed on the way: {actual}, {at_s - from_s:.1f} s after its height", actual)


def _off(read: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """How far, and when, the readings are off the straight line from the first to the last one, which is 0."""
    (from_s, height), (to_s, _) = read[0], read[-1]
    return max((abs(value - height * (to_s - at) / (to_s - from_s)), at) for at, value in read)
