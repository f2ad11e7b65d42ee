"""Sees everything that happens in a run: samples, writes the journal, and follows every expectation, in one order.

Readings and phases pass through one lock, so that the monitors see them exactly as the journal has them, and judging
the journal again comes to the same verdict.
"""

import math
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

from blackstart.base import clock
from blackstart.base.scheduling_lag import LagMeter, LagSample
from blackstart.engine.sampling.sampler import Sampler
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Journal
from blackstart.model.expect import Condition
from blackstart.model.reading import Probe, Reading
from blackstart.verdict.expectation_monitor import IN_A_ROW, READ_GRACE_S, Monitor
from blackstart.verdict.lateness import RUN, SHARED_PER_CPU, Lateness, event_of
from blackstart.verdict.monitors import Monitors, late

# Around a fault, and while an `eventually` is pending; in a short hold after it; and where nothing happens.
FAST_TICK_S = 0.02
HOLD_TICK_S = 0.05
CALM_TICK_S = 0.2
PROVED_TICK_S = 0.5
_LOOK_EVERY_S = 0.05


class Observer:
    """The run's eyes. `monitors` must only be used under `lock`, which every method here takes itself."""

    def __init__(self, monitors: Monitors, journal: Journal, max_rate_hz: float, read_timeout_s: float) -> None:
        self.monitors = monitors
        self.journal = journal
        self.lock = threading.Condition()
        self.latest: dict[str, Reading] = {}
        self.stop_because = ""
        self._news = 0
        self._asked: set[str] = set()
        self._proofs: set[str] = set()
        self._eased = False
        self._stop_if: dict[str, list[tuple[Condition, list[Reading]]]] = {}
        self._late = Lateness()
        self._lag_meter = LagMeter(partial(self.late, RUN))
        self._sampler = Sampler([], self._take, CALM_TICK_S, max_rate_hz, read_timeout_s)

    def start(self, probes: Sequence[Probe], stop_if: Sequence[Condition]) -> None:
        """Begin to read. Each endpoint is read once per tick, whatever the number of its probes."""
        for condition in stop_if:
            self._stop_if.setdefault(condition.probe.name, []).append((condition, []))
        asked = [*probes, *(condition.probe for condition in stop_if)]
        self._asked = {probe.name for probe in asked}
        self._lag_meter.start()
        self._sampler.watch(asked)
        self._sampler.start()

    def watch(self, probes: Sequence[Probe]) -> None:
        """Read these too, from now on, at the full pace."""
        self._sampler.watch(probes)
        self._proofs |= {probe.name for probe in probes} - self._asked
        self._eased = False
        self._sampler.ease(self._proofs, 0.0)

    def pace(self, tick_s: float) -> None:
        """Read this often from now on (never more often than the target allows)."""
        self._sampler.set_tick(tick_s)

    def stop(self) -> None:
        self._lag_meter.stop()
        self._sampler.stop()

    def late(self, who: str, sample: LagSample) -> None:
        """How late a process of ours was: on record, and for that much longer an `eventually` is looked at."""
        with self.lock:
            self.journal.write(EventName.LATENESS, who=who, **event_of(sample))
            self._late = self._late.heard(who, sample)

    def _take(self, endpoint: str, readings: Sequence[Reading], tick_s: float) -> None:
        with self.lock:
            self.journal.readings(endpoint, readings, tick_s)
            news, stopped = self.monitors.feed(readings, tick_s), self.stop_because
            for reading in readings:
                self.latest[reading.probe] = reading
                for condition, in_a_row in self._stop_if.get(reading.probe, ()):
                    self._check_stop(condition, in_a_row, reading)
            if news or self.stop_because != stopped:
                self._news += 1
                self.lock.notify_all()

    def _check_stop(self, condition: Condition, in_a_row: list[Reading], reading: Reading) -> None:
        if not condition.matches(reading):
            in_a_row.clear()
            return
        in_a_row[1:] = [reading]  # the first and the last
        # One reading decides: what it costs to go on is the target's, a run ended for a flicker is only a run.
        if reading.answered_s - in_a_row[0].answered_s >= condition.for_s and not self.stop_because:
            self.stop_because = f"{condition} (abort condition)"

    def phase(self, name: str, enter: Callable[[float], None] | None = None) -> float:
        """Enter a phase: in the journal, on the disk, and in the monitors, at one moment. Returns that moment."""
        with self.lock:
            at_s = clock.now_s()
            self.journal.write(EventName.PHASE, phase=name, began=round(at_s, 6), utc=clock.utc_iso(), sync=True)
            if enter is not None:
                enter(round(at_s, 6))
            return at_s

    def instant(self, side: Literal["begin", "end"], stretch: str, changes: Sequence[int], planned_s: float) -> None:
        """A stretch of a schedule begins, or ends: in the journal, on the disk, and in the monitors, at one moment."""
        with self.lock:
            at_s = round(clock.now_s(), 6)
            self.journal.write(
                EventName.INSTANT, stretch=stretch, side=side, changes=list(changes), planned=round(planned_s, 6),
                began=at_s, sync=True,
            )  # fmt: skip
            (self.monitors.begin if side == "begin" else self.monitors.end)(changes, at_s)

    def proved(self, changes: Sequence[int]) -> bool:
        """Whether each of these changes is seen to have taken effect."""
        with self.lock:
            self.monitors.prove("bites")
            return all(self.monitors.effect_s("bites", number) is not None for number in changes)

    def note(self, event: EventName, *, sync: bool = False, **fields: Any) -> None:
        with self.lock:
            self.journal.write(event, sync=sync, **fields)

    def effect(self, side: str) -> float | None:
        """When the changes' `bites` or `gone` were proved; None while they are not. Sets the anchors at once."""
        with self.lock:
            at_s = self.monitors.prove(side)
        if at_s is not None and not self._eased:
            # What was watched as a proof is only looked at from now on, and leaves the CPU to the rest.
            self._eased = True
            self._sampler.ease(self._proofs, PROVED_TICK_S)
        return at_s

    def awaited(self, phase: str) -> list[Monitor]:
        """The `eventually`s of a phase."""
        with self.lock:
            monitors = self.monitors.baseline if phase == "baseline" else self.monitors.expected
            return [one for one in monitors if one.phase == phase and one.expectation.when == "eventually"]

    def undecided(self, phase: str) -> list[Monitor]:
        """Those that still wait."""
        now_s, awaited = clock.now_s(), self.awaited(phase)
        with self.lock:
            return [one for one in awaited if not one.decided(now_s, self._spare_s(one, now_s))]

    def _spare_s(self, one: Monitor, now_s: float) -> float:
        """For how much longer than its time it is looked at: for as long as we were late, and for as long as others had
        of the processors; at most as long again, since the fault is in force meanwhile."""
        from_s = one.anchor_s or now_s
        shared_s = self._late.crowded_s(from_s, now_s, SHARED_PER_CPU)
        return max(self._late.late_s(from_s, now_s), min(shared_s, one.expectation.within_s or 0.0))

    def missed(self, phase: str) -> list[Monitor]:
        """Those that have not come true in their time."""
        awaited, undecided = self.awaited(phase), self.undecided(phase)
        return [one for one in awaited if one.interval is None and one not in undecided]

    def wavering(self, *phases: str) -> bool:
        """Whether the last reading violated what must hold in one of these phases, and the next ones will decide it."""
        with self.lock:
            return any(monitor.wavering for monitor in self.monitors.expected if monitor.phase in phases)

    def decide(self, until_s: float, between: Callable[[], object]) -> None:
        """Look on while the last reading violates what must hold to the end, until it is known whether it counts."""
        for_s = max((monitor.expectation.for_s for monitor in self.monitors.expected), default=0.0)
        limit_s = min(clock.now_s() + for_s + READ_GRACE_S, until_s)
        self.wait(lambda: not self.wavering("always", "recovery"), limit_s, between)

    def settle(self, for_s: float, ends_by_s: float, between: Callable[[], object]) -> None:
        """Look on for that long; where the run must end sooner, say so: a relapse may have been missed."""
        until_s = clock.now_s() + for_s
        self.wait(lambda: False, min(until_s, ends_by_s), between)
        if ends_by_s < until_s:
            watched = f"the recovery was watched for {max(0.0, for_s - (until_s - ends_by_s)):.1f} of {for_s:g} s"
            self.note(EventName.INCONCLUSIVE, message=f"{watched}, since the run had to end (TOTAL_MAX)", sync=True)

    def baseline_holds(self) -> bool:
        """Whether every baseline expectation is true now, twice in a row, and every abort condition can be seen."""
        with self.lock:
            return not self.blind() and all(
                monitor.interval is not None and not (monitor.lost_again or late(monitor)) and monitor.count >= IN_A_ROW
                for monitor in self.monitors.baseline
            )

    def baseline_missed(self, limit_s: float) -> bool:
        """Whether a baseline expectation did not come true in its time, or `limit_s` is over and all are decided."""
        now_s = clock.now_s()
        with self.lock:
            decided = [monitor for monitor in self.monitors.baseline if monitor.decided(now_s)]
            missed = any(monitor.interval is None or late(monitor) for monitor in decided)
            return missed or (now_s >= limit_s and len(decided) == len(self.monitors.baseline))

    def blind(self) -> list[str]:
        """The abort conditions that could not come true, since what they look at shows no value, and why."""
        with self.lock:
            seen = {name: self.latest.get(name) for name in self._stop_if}
        return [f"{name} {_short(one) if one else 'is not read'}" for name, one in seen.items()
                if one is None or one.kind != "value"]  # fmt: skip

    def wait(self, done: Callable[[], bool], until_s: float, between: Callable[[], object] = lambda: None) -> bool:
        """Wait until `done` says so; False at `until_s`. `between` runs a few times a second.

        Asked at once when a reading decided something, and every 50 ms: to look after each of 200 readings a second
        would cost as much as to take them.
        """
        while True:
            news = self._news
            between()
            if done():
                return True
            left_s = until_s - clock.now_s()
            if left_s <= 0:
                return False
            with self.lock:
                if self._news == news:
                    self.lock.wait(min(_LOOK_EVERY_S, left_s))

    def call(self, act: Callable[[], object]) -> bool:
        """Call it in a thread of its own; False where an abort condition comes true before it is done.

        Then it goes on, and nobody waits for it any more. What it raises is raised here.
        """
        ended: list[BaseException | None] = []

        def acting() -> None:
            error: BaseException | None = None
            try:
                act()
            except BaseException as raised:  # raised again in the thread that waits
                error = raised
            with self.lock:
                ended.append(error)
                self._news += 1
                self.lock.notify_all()

        threading.Thread(target=acting, name="step", daemon=True).start()
        self.wait(lambda: bool(ended or self.stop_because), math.inf)
        if ended and ended[0] is not None:
            raise ended[0]
        return bool(ended)

    def shown(self) -> str:
        """The latest readings in one line, for people who wait."""
        with self.lock:
            readings = list(self.latest.values())
        return ", ".join(f"{r.probe} {_short(r)}" for r in readings)


def _short(reading: Reading) -> str:
    if reading.kind != "value":
        return reading.kind.replace("_", " ")
    return f"{reading.value:.3g}" if isinstance(reading.value, float) and reading.value < 1000 else str(reading.value)
