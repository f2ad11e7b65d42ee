"""The fault phase of a run: all changes at once and one hold, or each at the time that a schedule gives it.

What is in force at its end is left to the run's undo, which begins the recovery; a schedule takes back here what ends
before.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from blackstart.base import clock
from blackstart.base.console import Console
from blackstart.base.durations import shown
from blackstart.engine.injection import Injection
from blackstart.engine.load import TrafficRun
from blackstart.engine.narrator import Narrator
from blackstart.engine.observer import CALM_TICK_S, FAST_TICK_S, HOLD_TICK_S, Observer
from blackstart.evidence.events import EventName
from blackstart.model.plan import Plan
from blackstart.model.reading import Endpoint
from blackstart.model.schedule import Stretch
from blackstart.safety.heal.restore import STAYS_GONE_S
from blackstart.verdict.monitors import BITE_WITHIN_S

CALM_BEYOND_S = 5.0
_CONFIRMED_WITHIN_S = STAYS_GONE_S + 5.0


@dataclass
class FaultPhase:
    """`between` is what every wait looks at; `stop` ends the run early, with its reason in the journal. `ends_by_s` is
    when the run must have ended (`clock.now_s()`)."""

    plan: Plan
    observer: Observer
    injection: Injection
    traffic: TrafficRun
    narrator: Narrator
    console: Console
    between: Callable[[], None]
    stop: Callable[[EventName, str], None]
    ends_by_s: float
    _undone: dict[tuple[int, ...], float] = field(default_factory=dict)

    def go_through(self, began_s: float) -> bool:
        """From the first `do`, at `began_s`, to the moment before the last undo. Whether there is time for a look at
        the metrics then: an exact hold leaves none."""
        if self.plan.schedule:
            self._keep_to_schedule(began_s)
            return False
        self.injection.inject(self.between, range(len(self.plan.changes)))
        bit_s = self._bite(began_s)
        if self.plan.holds_s is not None:
            self.narrator.waiting("during the fault", "fault", self.plan.holds_s)
            self.observer.wait(lambda: False, bit_s + self.plan.holds_s, self.between)
            return False
        self.narrator.waiting("during the fault", "fault", self.plan.experiment.hold_min_s)
        until_s = bit_s + self.plan.experiment.hold_max_s
        self.observer.wait(lambda: self._done(bit_s), until_s, self.between)
        return True

    # ------------------------------------------------------------ all at once

    def _bite(self, began_s: float) -> float:
        if not self.plan.changes:
            return began_s
        # An exact hold counts from the steps' end: it may be over before the proof of the bite is read.
        if self.plan.holds_s is not None:
            return clock.now_s()
        limit_s = max(BITE_WITHIN_S, self.plan.hands_within_s)
        until_s = min(clock.now_s() + limit_s, self.ends_by_s)
        self.narrator.waiting("until the fault bites:", "bite", most_s=limit_s)
        if not self.observer.wait(lambda: self.observer.effect("bites") is not None, until_s, self.between):
            self.stop(EventName.INCONCLUSIVE, f"the fault did not bite within {limit_s:g} s")
        bit_s = self.observer.effect("bites") or clock.now_s()
        what = ", ".join(change.what for change in self.plan.changes)
        self.console.say(f"the fault bites: {what}, {shown(bit_s - began_s)} after its start")
        return bit_s

    def _done(self, bit_s: float) -> bool:
        if self.observer.undecided("fault") or self.observer.wavering("fault"):
            return False
        left_s = bit_s + self.plan.experiment.hold_min_s - clock.now_s()
        # Nothing is awaited any more, but checks look at what happens during the hold too.
        calm_s = CALM_TICK_S if left_s > CALM_BEYOND_S else HOLD_TICK_S
        self.observer.pace(calm_s if self.traffic.calm() else FAST_TICK_S)
        return left_s <= 0 and self.traffic.over("fault")

    # ------------------------------------------------------------ a schedule

    def _keep_to_schedule(self, began_s: float) -> None:
        """Every instant in order; of two at one moment, the end comes first."""
        ends = [(stretch.to_s, 0, stretch) for stretch in self.plan.schedule]
        begins = [(stretch.from_s, 1, stretch) for stretch in self.plan.schedule]
        last_s = max(stretch.to_s for stretch in self.plan.schedule)
        for at_s, begins_now, stretch in sorted([*ends, *begins], key=lambda instant: instant[:2]):
            due_s = began_s + at_s
            self.observer.wait(lambda: False, due_s, self._look)
            if begins_now:
                self._begin(stretch, due_s)
            else:
                self._end(stretch, due_s, last=stretch.to_s == last_s)

    def _begin(self, stretch: Stretch, due_s: float) -> None:
        # What begins now must not be taken for the return of what was undone before it.
        mine = self._looked_at(stretch.changes)
        self.observer.wait(
            lambda: not any(mine & self._looked_at(changes) for changes in self._undone),
            clock.now_s() + _CONFIRMED_WITHIN_S,
            self._look,
        )
        self.console.say(f"{stretch.name}: {stretch.when}")
        self.narrator.waiting(stretch.name, "fault", stretch.to_s - stretch.from_s)
        self.observer.instant("begin", stretch.name, stretch.changes, due_s)
        self.injection.inject(self.between, stretch.changes)

    def _end(self, stretch: Stretch, due_s: float, last: bool) -> None:
        if not self.observer.proved(stretch.changes):
            self.stop(
                EventName.INCONCLUSIVE, f"{stretch.name} did not bite within its {stretch.to_s - stretch.from_s:g} s"
            )
        self.observer.instant("end", stretch.name, () if last else stretch.changes, due_s)
        if last or not stretch.changes:
            return
        self.observer.pace(FAST_TICK_S)
        if not self.injection.end(stretch.changes):
            self.stop(EventName.INCONCLUSIVE, f"{stretch.name} could not be undone in its time")
        self._undone[stretch.changes] = clock.now_s()

    def _looked_at(self, changes: tuple[int, ...]) -> set[Endpoint]:
        """Where it is seen that these are undone."""
        return {one.probe.endpoint() for number in changes for one in self.plan.changes[number].gone}

    def _look(self) -> None:
        """As between all waits; and what was undone for long enough is forgotten by ledger and guardian."""
        self.between()
        stayed = [changes for changes, at_s in self._undone.items() if clock.now_s() >= at_s + STAYS_GONE_S]
        for changes in stayed:
            del self._undone[changes]
            self.injection.confirm(changes)
            if not self.injection.forgotten(changes):
                self.stop(EventName.INCONCLUSIVE, "what was undone in the schedule did not stay so")
        if not self._undone and self.traffic.calm():
            self.observer.pace(HOLD_TICK_S)
