"""All expectations of one run, monitored together. The engine feeds the monitors live, the judge from the journal."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from blackstart.evidence.history import History
from blackstart.model.change import Change
from blackstart.model.expect import AGAINST_BASELINE, ORDERED, SILENCES, Condition, Expectation, eventually
from blackstart.model.experiment import Experiment
from blackstart.model.reading import Probe, Reading, Scalar
from blackstart.model.schedule import At
from blackstart.verdict.expectation_monitor import Monitor
from blackstart.verdict.relation_monitor import RelationMonitor

BITE_WITHIN_S = 30.0


@dataclass
class Timeline:
    """The moments of a run that windows are cut at; None where the run did not get there."""

    began_s: float
    did_s: float | None = None
    undid_s: float | None = None
    ended_s: float = 0.0
    bit_s: float | None = None
    gone_s: float | None = None


def proof(condition: Condition, name: str) -> Expectation:
    """A bite or a `gone` as an expectation, so that it is followed with the same rules as all others."""
    return eventually(condition, within_s=BITE_WITHIN_S, name=name, criterion=False)


def names_of(expectation: Expectation) -> tuple[str, ...]:
    """The probes that it looks at, each once."""
    return tuple(dict.fromkeys(probe.name for probe in expectation.condition.probes))


@dataclass
class Monitors:
    """The monitors of one run; take readings in order and know which of them is open. Engine and judge share it.

    `history` is what the load did, for the judge: the engine, whose load still runs, has none.
    """

    experiment: Experiment
    changes: tuple[Change, ...] = ()
    history: History | None = None
    baseline: list[Monitor] = field(default_factory=list)
    expected: list[Monitor] = field(default_factory=list)
    bites: list[Monitor] = field(default_factory=list)
    gones: list[Monitor] = field(default_factory=list)
    last_value: dict[str, Scalar] = field(default_factory=dict)
    undone_s: dict[int, float] = field(default_factory=dict)
    """When the undo of each change began that a schedule has ended before the last."""
    _by_probe: dict[str, list[Monitor]] = field(default_factory=dict)
    _before: dict[str, Scalar] = field(default_factory=dict)
    _answered: set[str] = field(default_factory=set)
    _related: dict[tuple[str, str], RelationMonitor] = field(default_factory=dict)

    def open(self, at_s: float) -> None:
        """The baseline begins."""
        self.baseline = [Monitor(e, "baseline", at_s, anchor_s=at_s) for e in self.experiment.baseline]
        phases = {
            "fault": self.experiment.during,
            "recovery": self.experiment.recovery,
            "drain": self.experiment.drained,
            "always": self.experiment.always,
        }
        self._related = {
            (phase, e.name): RelationMonitor(e, phase, at_s)
            for phase, expectations in phases.items()
            for e in expectations
            if not isinstance(e.condition, Condition)
        }
        self._listen([*self.baseline, *self._related.values()])

    def fault(self, at_s: float) -> None:
        """The first `do` begins."""
        self._before = dict(self.last_value)
        self._unlisten(self.baseline)
        during = [self._monitor(e, "fault", at_s) for e in self.experiment.during]
        constant = [self._monitor(e, "always", at_s) for e in self.experiment.always]
        self.expected = during + constant
        if self.scheduled:  # each at its own time: what is read before says nothing of it
            self.bites, self.gones = self._proofs("bites", math.inf), self._proofs("gone", math.inf)
            self._listen(self.expected)
        else:
            self.bites = self._proofs("bites", at_s)
            self._listen(self.expected + self.bites)
        if not self.changes:  # a load in place of a fault: its beginning is the effect
            self.anchor("fault", at_s)

    @property
    def scheduled(self) -> bool:
        """Whether each change has a time of its own."""
        return any(isinstance(fault, At) for fault in self.experiment.faults)

    def begin(self, numbers: Iterable[int], at_s: float) -> None:
        """The `do` of these changes of a schedule begins."""
        for number in numbers:
            self._open(self.of("bites", number), at_s)

    def end(self, numbers: Iterable[int], at_s: float) -> None:
        """Their undo begins, while the fault phase goes on."""
        for number in numbers:
            self.undone_s[number] = at_s
            self._unlisten(one for one in self.of("bites", number) if one.opened_s < math.inf)
            self._open(self.of("gone", number), at_s)

    def _open(self, monitors: Sequence[Monitor], at_s: float) -> None:
        for monitor in monitors:
            monitor.opened_s = monitor.anchor_s = at_s
        self._listen(monitors)

    def of(self, side: str, number: int) -> list[Monitor]:
        """The proofs of one change on that side, `bites` or `gone`."""
        first = sum(len(getattr(change, side)) for change in self.changes[:number])
        monitors = self.bites if side == "bites" else self.gones
        return monitors[first : first + len(getattr(self.changes[number], side))]

    def effect_s(self, side: str, number: int) -> float | None:
        """When all proofs of one change had come true; None while one has not."""
        return effect_s(self.changes[number : number + 1], self.of(side, number), side)

    def prove(self, side: str) -> float | None:
        """When all changes' proofs on that side had come true; None while one has not. Sets the anchors: those of a
        schedule's fault phase at its first effect."""
        monitors = self.bites if side == "bites" else self.gones
        if self.scheduled and side == "bites":
            known = [at_s for number in range(len(self.changes)) if (at_s := self.effect_s(side, number)) is not None]
            if known:
                self.anchor("fault", min(known))
        at_s = effect_s(self.changes, monitors, side) if monitors else None
        if at_s is not None:
            self.anchor("fault" if side == "bites" else "recovery", at_s)
        return at_s

    def recovery(self, at_s: float) -> None:
        """The first undo begins; of a schedule, the last."""
        in_force = [one for n in range(len(self.changes)) if n not in self.undone_s for one in self.of("bites", n)]
        in_force = [one for one in in_force if one.opened_s < math.inf]
        self._unlisten([w for w in self.expected if w.phase == "fault"] + in_force)
        recovery = [self._monitor(e, "recovery", at_s) for e in self.experiment.recovery]
        for monitor in recovery:
            monitor.fault_was_cut_short = self._cut_short(at_s)
        self.expected += recovery
        self._listen(recovery)
        if not self.scheduled or not self.gones:
            self.gones = self._proofs("gone", math.inf)
        for number in range(len(self.changes)):
            if number not in self.undone_s:
                self._open(self.of("gone", number), at_s)
        if not self.changes:
            self.anchor("recovery", at_s)

    def drain(self, at_s: float) -> None:
        """The load has ended."""
        drained = [self._monitor(e, "drain", at_s) for e in self.experiment.drained]
        self.expected += drained
        self._listen(drained)
        self.anchor("drain", at_s)

    def _cut_short(self, at_s: float) -> bool:
        """Whether the fault was ended before all that it should do could be seen, as by an operator's Ctrl-C."""
        during = [one for one in self.expected if one.phase == "fault" and one.expectation.when == "eventually"]
        undecided = any(not one.decided(at_s) for one in during)
        return undecided or any(at_s - one.opened_s < self.experiment.hold_min_s for one in self.bites)

    def _proofs(self, side: str, at_s: float) -> list[Monitor]:
        conditions = [condition for change in self.changes for condition in getattr(change, side)]
        return [Monitor(proof(one, f"{side}: {one}"), side, at_s, anchor_s=at_s) for one in conditions]

    def _monitor(self, expectation: Expectation, phase: str, at_s: float) -> Monitor:
        if not isinstance(expectation.condition, Condition):
            return self._relation(expectation, phase, at_s)
        name, compared = expectation.condition.probes[0].name, expectation.condition.op in AGAINST_BASELINE
        reference = self._before.get(name) if compared else None
        if expectation.condition.op in ORDERED and isinstance(reference, str):
            reference = None  # nothing is above or below a text
        says_until_s = self._says_until_s(expectation.condition.probe)
        return Monitor(expectation, phase, at_s, reference, answered=name in self._answered, says_until_s=says_until_s)

    def _says_until_s(self, probe: Probe) -> float:
        """Until when a reading of it says something new."""
        told = getattr(probe, "says_until_s", None)
        return math.inf if told is None or self.history is None else float(told(self.history))

    def _relation(self, expectation: Expectation, phase: str, at_s: float) -> Monitor:
        known = self._related.pop((phase, expectation.name), None)
        if known is None:
            return RelationMonitor(expectation, phase, at_s)
        self._unlisten([known])  # it is listened to again with the others of its phase
        return known.judge_from(at_s)

    def _listen(self, monitors: Iterable[Monitor]) -> None:
        for monitor in monitors:
            for name in names_of(monitor.expectation):
                self._by_probe.setdefault(name, []).append(monitor)

    def _unlisten(self, monitors: Iterable[Monitor]) -> None:
        for monitor in monitors:
            for name in names_of(monitor.expectation):
                self._by_probe[name].remove(monitor)

    def feed(self, readings: Sequence[Reading], tick_s: float) -> bool:
        """Readings of one endpoint, in the order in which they were answered. Returns whether they decided anything."""
        decided = False
        for reading in readings:
            if reading.kind == "value":
                self.last_value[reading.probe] = reading.value
            if reading.kind not in (*SILENCES, "unreadable"):  # which may be all ours
                self._answered.add(reading.probe)
            for monitor in self._by_probe.get(reading.probe, ()):
                decided |= monitor.feed(reading, tick_s)
        return decided

    def anchor(self, phase: str, at_s: float) -> None:
        """The effect that `within_s` of this phase counts from was proved at `at_s`."""
        for monitor in self.expected:
            if monitor.phase == phase and monitor.anchor_s is None:
                monitor.anchor_s = at_s


def effect_s(changes: Sequence[Change], monitors: Sequence[Monitor], side: str) -> float | None:
    """When all changes' proofs on that side (`bites`, `gone`) had come true; None while one has not.

    The first condition of a change is what an outsider sees, and its transition is the effect; the others must be true
    too, but may be slow to read.
    """
    moments: list[float] = []
    position = 0
    for change in changes:
        count = len(getattr(change, side))
        intervals = [monitor.interval for monitor in monitors[position : position + count]]
        position += count
        if not intervals or any(interval is None for interval in intervals):
            return None
        first = intervals[0]
        if first is not None:
            moments.append(first.to_s)
    return max(moments, default=None)


def late(monitor: Monitor) -> bool:
    """Whether it came true, and is not proved to have come true in its time."""
    interval, deadline_s = monitor.interval, monitor.deadline_s()
    return interval is not None and deadline_s is not None and interval.to_s > deadline_s
