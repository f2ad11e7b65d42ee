"""What may have come of our own lateness: a time limit missed by less than we were late, a reading or an answer of a
time in which we stood still. That says nothing of the system: it is inconclusive, in place of broken; nothing is held
for it.

Every run measures it (`blackstart.base.scheduling_lag`), and it is decided upon here alone. What time can't bring about
stays a violation: a value that must never be, one that is not as before, and what checks count in the final state.
Pure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus
from math import inf
from operator import itemgetter
from statistics import fmean
from typing import Any

from blackstart.base.durations import shown
from blackstart.base.scheduling_lag import LagSample
from blackstart.evidence.events import EventName
from blackstart.evidence.history import Row
from blackstart.evidence.journal import Event, Record
from blackstart.model.expect import AGAINST_BASELINE, TIMED_OUT
from blackstart.model.finding import Finding
from blackstart.model.verdict import Verdict
from blackstart.verdict.confounders import Replayed
from blackstart.verdict.expectation_monitor import Monitor
from blackstart.verdict.monitors import late

# So much of a stretch lost between the times at which ticks were due and at which they came. With 20 busy processes on
# two processors it is half of it; with a test suite on all processors, one part in twenty.
STARVED_SHARE = 0.2
# So many threads for each processor: what needs one for 10 ms gets it for a fifth of the time, and more wait behind it.
# Our ticks may come in time all the same, since they need next to nothing.
CROWDED_PER_CPU = 5.0
# From so many on, what takes some milliseconds may have waited for others all the same.
SHARED_PER_CPU = 2.0
# For so long after a stall a machine that stood still as a whole is busy with what fell due meanwhile, and a request
# waits for those of a crowd before it; and for so long, after a crowd, a breaker that it has opened may stay open.
RECOIL_S = 1.0
# So long, after a crowd, a breaker that it opened may be open, or nobody lead: by what systems are set to by default.
LAPSED_S = 15.0
# What answers an error sooner has not waited in vain for something: so short is no system's limit of time.
LIMIT_LEAST_S = 0.1
# What is answered by who can't serve now, since its state is another one (it leads no longer), it is locked, too early,
# asked too often, or unavailable: limits of time of its own (a lease, a breaker's) bring that about.
NOT_NOW = frozenset({409, 423, 425, 429, 503})
# What a proxy answers for one that gave it no answer in time, however soon.
WAITED_IN_VAIN = 504
RUN, LOAD = "run", "load"
# Checks that judge by time what was neither read nor sent by us alone.
_TIMED = ("taken_over", "thresholds")


@dataclass(frozen=True)
class Lateness:
    """How late processes of ours were, each with its name.

    `bad` are the samples in which they stood still or starved: what was seen then says nothing. `slow` are those and
    the ones in which the machine was crowded: then a time limit that was passed says nothing, and a time that something
    took only by how much it was longer than on a machine at rest.
    """

    samples: tuple[tuple[str, LagSample], ...] = ()

    @classmethod
    def of(cls, record: Record, *processes: str) -> Lateness:
        """That of these processes, of all where none is named. A journal of before tells of none."""
        told = ((str(event["who"]), sample_of(event)) for event in record.of(EventName.LATENESS))
        return cls(tuple((who, sample) for who, sample in told if who in (processes or (who,))))

    def heard(self, who: str, sample: LagSample) -> Lateness:
        """The same, and this sample of that process."""
        return Lateness((*self.samples, (who, sample)))

    @cached_property
    def bad(self) -> tuple[tuple[str, LagSample], ...]:
        return tuple((who, sample) for who, sample in self.samples if is_bad(sample))

    @cached_property
    def slow(self) -> tuple[tuple[str, LagSample], ...]:
        return tuple(
            (who, sample) for who, sample in self.samples if is_bad(sample) or (sample.runnable or 0) >= CROWDED_PER_CPU
        )

    @cached_property
    def _taken(self) -> dict[float, list[_Taken]]:
        by_who: defaultdict[str, list[LagSample]] = defaultdict(list)
        for who, sample in self.samples:
            by_who[who].append(sample)
        return {
            least: [_Taken(samples, least) for samples in by_who.values()]
            for least in (CROWDED_PER_CPU, SHARED_PER_CPU)
        }

    @cached_property
    def times(self) -> list[tuple[float, float]]:
        """When what was under way may be excused (see `excuses`)."""
        return [(sample.from_s, sample.to_s + RECOIL_S) for _, sample in self.slow]

    def worst_s(self, from_s: float, to_s: float) -> float:
        """By how much one tick of that time came late at worst: so much of any wait may be ours."""
        return max(
            (sample.worst_s for _, sample in self.samples if sample.from_s <= to_s and from_s <= sample.to_s),
            default=0.0,
        )

    def summary(self) -> dict[str, Any]:
        """The figures of the whole run, for reports: how late, altogether and at worst, how long at a standstill, the
        share of the time that was slow, and the means of what the kernel tells, None where it does not; all of them
        None where nobody measured."""
        lasted_s = sum(sample.to_s - sample.from_s for who, sample in self.samples if who == RUN)
        slow_s = sum(sample.to_s - sample.from_s for who, sample in self.slow if who == RUN)

        def mean(name: str) -> float | None:
            told = [value for _, sample in self.samples if (value := getattr(sample, name)) is not None]
            return round(fmean(told), 3) if told else None

        figures = {
            "lateMs": round(sum(sample.late_s for _, sample in self.samples) * 1000, 1),
            "worstMs": round(max((sample.worst_s for _, sample in self.samples), default=0.0) * 1000, 1),
            "stoodStillMs": {who: round(sum(b.late_s for name, b in self.bad if name == who and b.stalled) * 1000, 1)
                             for who in (RUN, LOAD)},
            "slowShare": round(slow_s / lasted_s, 3) if lasted_s else 0.0,
            **{name: mean(name) for name in ("waited", "pressure", "runnable")},
        }  # fmt: skip
        return figures if self.samples else dict.fromkeys(figures)

    def figures_s(self, from_s: float, to_s: float) -> tuple[float, float]:
        """By how much ticks of that time came late, altogether and at worst."""
        samples = [sample for _, sample in self.samples if sample.from_s < to_s and from_s < sample.to_s]
        return sum(sample.late_s for sample in samples), max((sample.worst_s for sample in samples), default=0.0)

    def late_s(self, from_s: float, to_s: float) -> float:
        """By how much the latest of our processes was late in that time, altogether."""
        late_s: defaultdict[str, float] = defaultdict(float)
        for who, sample in self.bad:
            late_s[who] += min(sample.late_s, _overlap_s(sample.from_s, sample.to_s, from_s, to_s))
        return max(late_s.values(), default=0.0)

    def crowded_s(self, from_s: float, to_s: float, from_per_cpu: float = CROWDED_PER_CPU) -> float:
        """How much of that time a machine with at least so many threads for each processor (CROWDED_PER_CPU or
        SHARED_PER_CPU) added to what needs one: of a sample with ten threads nine parts of ten; of one that is not
        crowded, for no longer than anybody waited for a processor."""
        return max((taken.until_s(to_s) - taken.until_s(from_s) for taken in self._taken[from_per_cpu]), default=0.0)

    def may_be_ours_s(self, from_s: float, to_s: float) -> float:
        """By how much what came true then may have come true sooner on a machine at rest."""
        return max(self.late_s(from_s, to_s), self.crowded_s(from_s, to_s, SHARED_PER_CPU))

    def queued_s(self, from_s: float, to_s: float) -> float:
        """For how long a request of that time may have waited only since the machine had others to serve: so much did
        it add to this request, and a crowd to those of the RECOIL_S before, which are served first."""
        return self.crowded_s(from_s - RECOIL_S, from_s) + self.crowded_s(from_s, to_s, SHARED_PER_CPU)

    def covers(self, from_s: float, to_s: float) -> bool:
        """Whether any of that time is bad."""
        return _cover(self.bad, from_s, to_s)

    def slows(self, from_s: float, to_s: float) -> bool:
        """Whether any of that time is slow."""
        return _cover(self.slow, from_s, to_s)

    def slow_throughout(self, from_s: float, to_s: float) -> bool:
        """Whether next to all of that time is slow; so is no time at all."""
        slow_s = sum(_overlap_s(sample.from_s, _felt_s(sample), from_s, to_s) for _, sample in self.slow)
        return slow_s >= 0.9 * (to_s - from_s)

    def excuses(self, row: Row, gave_way: bool = False) -> bool:
        """Whether what came of a sent request says nothing of the system, since most of its time is bad; or slow, where
        it was not answered, or its answer is what the system itself gives when a limit of time has passed: one that
        `gave_way`, a 503 or a 504, or another error of a server that took LIMIT_LEAST_S or more.
        """
        start_s, end_s = row.start_s or row.intended_s, row.end_s or row.intended_s
        gave_way = gave_way or row.status == HTTPStatus.SERVICE_UNAVAILABLE
        gave_up = row.status == WAITED_IN_VAIN or (
            row.status is not None
            and row.status >= HTTPStatus.INTERNAL_SERVER_ERROR
            and end_s - start_s >= LIMIT_LEAST_S
        )
        samples = self.slow if row.status is None or gave_way or gave_up else self.bad
        lasting_s = RECOIL_S if gave_way else 0.0
        ours_s: defaultdict[str, float] = defaultdict(float)
        for who, sample in samples:
            ours_s[who] += _overlap_s(sample.from_s, max(_felt_s(sample), sample.to_s + lasting_s), start_s, end_s)
        return _cover(samples, start_s - lasting_s, end_s) and max(ours_s.values()) >= (end_s - start_s) / 2

    def lets_lapse(self, from_s: float, to_s: float) -> bool:
        """Whether a limit of time of the system's own that a crowd made pass may have led to all of that time: it began
        in a crowd or RECOIL_S after one, and was over within LAPSED_S of it."""
        crowds = [
            sample
            for _, sample in self.slow
            if not sample.stalled and sample.from_s <= to_s and from_s <= sample.to_s + RECOIL_S
        ]
        began = any(sample.from_s <= from_s for sample in crowds)
        return began and to_s <= max(sample.to_s for sample in crowds) + LAPSED_S

    def told(self, from_s: float, to_s: float, from_per_cpu: float = CROWDED_PER_CPU) -> str:
        """What stood still in that time, for how long, and how late we were else, or how many threads there were where
        they are so many; "" for nothing."""
        slow = [
            (who, sample)
            for who, sample in self.samples
            if (is_bad(sample) or (sample.runnable or 0) >= from_per_cpu) and _cover([(who, sample)], from_s, to_s)
        ]
        stood = [
            f"the {who}'s process stood still for {shown(sample.late_s)}" for who, sample in slow if sample.stalled
        ]
        return "; ".join([*dict.fromkeys(stood), *_starving([sample for _, sample in slow if not sample.stalled])])


class _Taken:
    """What others took of the time of a processor, by the samples of one process, so that many can ask soon."""

    def __init__(self, samples: Sequence[LagSample], from_per_cpu: float) -> None:
        self._shares: list[tuple[float, float, float, float]] = []  # from, to, what was taken before, share
        taken_s = 0.0
        for sample in sorted(samples, key=lambda one: one.from_s):
            threads = sample.runnable or 0.0
            if threads >= from_per_cpu:
                most = 1.0 if threads >= CROWDED_PER_CPU else sample.pressure or 0.0
                share = min(1 - 1 / threads, most)
                self._shares.append((sample.from_s, sample.to_s, taken_s, share))
                taken_s += share * (sample.to_s - sample.from_s)

    def until_s(self, at_s: float) -> float:
        place = bisect_left(self._shares, at_s, key=itemgetter(0)) - 1
        if place < 0:
            return 0.0
        from_s, to_s, before_s, share = self._shares[place]
        return before_s + share * (min(at_s, to_s) - from_s)


_FIELDS = ("from", "to", "late", "worst", "waited", "pressure", "runnable")


def event_of(sample: LagSample) -> Event:
    """A sample as the fields of its event."""
    values = (
        sample.from_s,
        sample.to_s,
        sample.late_s,
        sample.worst_s,
        sample.waited,
        sample.pressure,
        sample.runnable,
    )
    return {name: None if value is None else round(value, 6) for name, value in zip(_FIELDS, values, strict=True)}


def sample_of(event: Event) -> LagSample:
    """The sample that an event tells of."""
    return LagSample(*(event.get(name) for name in _FIELDS))  # type: ignore[arg-type]


def is_bad(sample: LagSample) -> bool:
    """Whether we stood still, or got next to no processor."""
    return sample.stalled or sample.late_s >= STARVED_SHARE * (sample.to_s - sample.from_s)


def _cover(samples: Sequence[tuple[str, LagSample]], from_s: float, to_s: float) -> bool:
    return any(sample.from_s <= to_s and from_s <= _felt_s(sample) for _, sample in samples)


def _felt_s(sample: LagSample) -> float:
    return sample.to_s + RECOIL_S if sample.stalled else sample.to_s


def _overlap_s(a_s: float, b_s: float, from_s: float, to_s: float) -> float:
    return max(0.0, min(b_s, to_s) - max(a_s, from_s))


def _starving(samples: Sequence[LagSample]) -> list[str]:
    if not samples:
        return []
    late_s, lasted_s = sum(sample.late_s for sample in samples), sum(sample.to_s - sample.from_s for sample in samples)
    worst = shown(max(sample.worst_s for sample in samples))
    told = f"the run itself was late by {shown(late_s)} in {shown(lasted_s)} (by {worst} at worst)"
    runnable = max((sample.runnable for sample in samples if sample.runnable is not None), default=None)
    pressure = max((sample.pressure for sample in samples if sample.pressure is not None), default=None)
    told += "" if runnable is None else f", with {runnable:.1f} threads for each processor"
    return [told if pressure is None else f"{told}, under a CPU pressure of {pressure:.0%}"]


# ---------------------------------------------------------------- what is decided by it


def excused(run: Replayed, findings: Sequence[Finding], follow: Callable[[Record], list[Finding]]) -> list[Finding]:
    """The findings, where what broke and may have come of our lateness is inconclusive instead, and says why.

    `follow` says what the expectations come to over another record: the same without the readings of such a time.
    """
    own = Lateness.of(run.record)
    if not own.told(-inf, inf, SHARED_PER_CPU):
        return list(findings)
    monitors = {(monitor.phase, monitor.expectation.name): monitor for monitor in run.monitors.expected}
    followed = follow(_read_in_time(run)) if own.slow else findings
    still = {(finding.phase, finding.name) for finding in followed if finding.status == Verdict.BROKE}
    made = []
    for finding in findings:
        monitor = monitors.get((finding.phase, finding.name))
        why = _why(run, finding, monitor, (finding.phase, finding.name) in still)
        # A hint is about a system that was seen to fail.
        late_only = replace(finding, status=Verdict.INCONCLUSIVE, message=f"{finding.message}; {why}", hint="")
        made.append(late_only if why else finding)
    return made


def _read_in_time(run: Replayed) -> Record:
    """The record without the readings of a time in which we were late, but for values that time can't bring about."""
    own, facts = Lateness.of(run.record, RUN), set[str]()
    for monitor in run.monitors.expected:
        condition = monitor.expectation.condition
        if monitor.expectation.when == "never" or condition.op in AGAINST_BASELINE:
            facts.update(probe.name for probe in condition.probes)

    def kept(event: Event) -> Event:
        if event["event"] != EventName.READ or not own.slows(event["sent"], event["answered"]):
            return event
        bad = own.covers(event["sent"], event["answered"])
        rows = [
            row for row in event["r"] if not (_timed_out(row) or (bad and (row[0] not in facts or row[1] != "value")))
        ]
        return {**event, "r": rows}

    return replace(run.record, events=tuple(map(kept, run.record.events)))


def _timed_out(row: Sequence[object]) -> bool:
    """Whether that was read, or that the load's last request was given up."""
    return row[1] == TIMED_OUT or (len(row) > 3 and str(row[3]).startswith("timed out"))


def _why(run: Replayed, finding: Finding, monitor: Monitor | None, still: bool) -> str:
    gap = (monitor.unwatched or monitor.gap) if monitor is not None else None
    if finding.status == Verdict.INCONCLUSIVE and gap is not None:
        return Lateness.of(run.record, RUN).told(gap.from_s, gap.to_s)
    if finding.status != Verdict.BROKE:
        return ""
    if monitor is None:
        return _of_check(run, finding)
    expectation = monitor.expectation
    if expectation.when == "eventually" and (monitor.interval is None or late(monitor)):
        return _missed_by_less(run, monitor) or ("" if still else _waited_in_a_crowd(run, monitor))
    if expectation.when == "eventually" and (lost := monitor.left) is not None:
        # A breaker that opens once more, a lease that lapses: limits of time of the system's own, which a crowd passes.
        # It closes, and is taken, again: what does not come back when the crowd has gone was not lost to it.
        own = Lateness.of(run.record, RUN)
        over_s = lost.to_s
        if monitor.lost_again and monitor.last:
            over_s = max(lost.to_s, min(monitor.last.answered_s, monitor.says_until_s))
        ours = expectation.condition.op not in AGAINST_BASELINE and own.slow_throughout(lost.to_s, over_s)
        why = own.told(lost.from_s, lost.to_s) if ours else ""
        return f"lost again while {why}" if why else ""
    why = "" if still else Lateness.of(run.record, RUN).told(monitor.opened_s, run.times.ended_s)
    return f"seen only while {why}" if why else ""


def _missed_by_less(run: Replayed, monitor: Monitor) -> str:
    deadline_s, last = monitor.deadline_s(), monitor.last
    if deadline_s is None or monitor.anchor_s is None or last is None:
        return ""
    own = Lateness.of(run.record)
    seen_s = monitor.interval.to_s if monitor.interval is not None else last.sent_s
    # What never came true was not slow, whatever the machine did.
    ours_s = (own.late_s if monitor.interval is None else own.may_be_ours_s)(monitor.anchor_s, seen_s)
    if not ours_s or seen_s - deadline_s > ours_s:
        return ""
    missed = "it was missed by" if monitor.interval is not None else "it was not watched for longer than"
    return f"{missed} {shown(max(0.0, seen_s - deadline_s))}, and {own.told(monitor.anchor_s, seen_s, SHARED_PER_CPU)}"


def _waited_in_a_crowd(run: Replayed, monitor: Monitor) -> str:
    """Why time-outs are all that was seen before it came true, or at the end of what never did: they accuse nobody."""
    until_s = monitor.interval.to_s if monitor.interval is not None else run.times.ended_s
    names = {probe.name for probe in monitor.expectation.condition.probes}
    events = (event for event in run.record.of(EventName.READ) if monitor.opened_s <= event["answered"] < until_s)
    rows = [row for event in events for row in event["r"] if row[0] in names]
    if not rows or not _timed_out(rows[-1]):
        return ""
    why = Lateness.of(run.record, RUN).told(monitor.opened_s, until_s)
    return f"it timed out while {why}" if why else ""


def _of_check(run: Replayed, finding: Finding) -> str:
    kinds = {check.name: check.check for check in run.monitors.experiment.checks}
    kind, times = kinds.get(finding.name), run.times
    if finding.phase != "check" or kind not in _TIMED or times.did_s is None:
        return ""
    # A script's thresholds are about its whole load, which may outlast the fault.
    until_s = times.undid_s if kind != "thresholds" else None
    return Lateness.of(run.record).told(times.did_s, until_s or times.ended_s)
