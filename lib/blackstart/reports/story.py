"""A run as its reports tell it: the record and the judgement with names, times and order. Pure."""

from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from blackstart.base import clock
from blackstart.base.codec import from_data
from blackstart.base.durations import shown
from blackstart.evidence.events import BEGUN, EventName
from blackstart.evidence.journal import Event, Record, readings_of
from blackstart.model.experiment import Experiment
from blackstart.model.finding import Interval
from blackstart.model.reading import Reading
from blackstart.model.system import System
from blackstart.reports.lanes import Lane, lanes
from blackstart.safety.heal.elsewhere import heal_command_of
from blackstart.verdict import judge
from blackstart.verdict.judge import Judgement
from blackstart.verdict.lateness import Lateness
from blackstart.verdict.monitors import Monitors, Timeline, names_of


@dataclass(frozen=True)
class Phase:
    """One phase of a run, in `clock.now_s()` seconds."""

    name: str
    from_s: float
    to_s: float


@dataclass(frozen=True)
class Transition:
    """A wanted state was entered. `after_s` counts from the effect that its limit counts from; None where unproved."""

    number: int
    name: str
    phase: str
    probe: str
    what: str
    interval: Interval
    anchor_s: float | None
    within_s: float | None = None

    @property
    def after_s(self) -> float | None:
        """The best single guess of how long it took."""
        return None if self.anchor_s is None else max(0.0, self.interval.middle_s - self.anchor_s)

    @property
    def after(self) -> str:
        """The same for people; a state that was there before the effect was proved came `at once`."""
        if self.anchor_s is None or self.after_s is None:
            return "not proved"
        return "at once" if self.interval.to_s <= self.anchor_s else shown(self.after_s)

    @property
    def limit(self) -> str:
        """Within what time it had to come, for people."""
        return f"{self.within_s:g} s" if self.within_s else ""


@dataclass(frozen=True)
class Limit:
    """Until when an expectation on a probe had to come true."""

    probe: str
    name: str
    at_s: float


class RunView:
    """One run to be told. `where` is its evidence folder, as people are shown it; `guardian` its guardian's record;
    `known` says what is known of a kind of system."""

    def __init__(
        self,
        record: Record,
        judgement: Judgement,
        where: Path,
        guardian: Record | None = None,
        known: Callable[[str], System] = System,
    ) -> None:
        self.record, self.judgement, self.where, self.guardian, self._known = record, judgement, where, guardian, known
        self.head: Event = record.first(EventName.RUN) or {}
        self.changes = record.changes()
        self.experiment: Experiment | None = from_data(self.head["experiment"]) if self.head else None

    @property
    def run(self) -> str:
        """The run's name, which is its folder's."""
        return str(self.head.get("run", self.where.name))

    @property
    def run_id(self) -> str:
        """`CHAOS-YYYYMMDD-NNN`; the run's name where an older record has none."""
        return str(self.head.get("id") or self.run)

    @property
    def name(self) -> str:
        return self.experiment.name if self.experiment else "unknown experiment"

    @property
    def target(self) -> dict[str, Any]:
        """What the journal says of the target."""
        told: dict[str, Any] = self.head.get("target") or {"name": "unknown target"}
        return told

    @cached_property
    def system(self) -> System:
        """What is known of the target's kind, or where it has none, of the kind that the experiment is for."""
        return self._known(self.target.get("kind") or (self.experiment.target if self.experiment else ""))

    @property
    def heals(self) -> str:
        """What to type to mend what is not proved undone."""
        return heal_command_of(self.changes, str((self.head.get("experiment_file") or {}).get("path", "")))

    @property
    def again(self) -> str:
        """The command that runs it again, or "" where the journal does not say."""
        return str(self.head.get("again", ""))

    @cached_property
    def _replayed(self) -> tuple[Monitors, Timeline] | None:
        return judge.replay(self.record, self.experiment, self.changes) if self.experiment else None

    @property
    def monitors(self) -> Monitors | None:
        """Every expectation with all it saw; None where the record does not say what was expected."""
        return self._replayed[0] if self._replayed else None

    @property
    def times(self) -> Timeline:
        return self._replayed[1] if self._replayed else Timeline(self.from_s, ended_s=self.to_s)

    @property
    def from_s(self) -> float:
        """When the run began: its first phase, else its first line."""
        phase = self.record.first(EventName.PHASE)
        if phase:
            return float(phase["began"])
        return float(self.record.events[0]["at"]) if self.record.events else 0.0

    @property
    def to_s(self) -> float:
        """When the run ended: its end phase, else its last line."""
        last = self.record.last(EventName.PHASE)
        if last and last["phase"] == "end":
            return float(last["began"])
        return max(self.from_s, float(self.record.events[-1]["at"]) if self.record.events else 0.0)

    def utc(self, at_s: float) -> datetime:
        """The wall clock at that moment, as the first phase ties it to the clock of the journal."""
        phase = self.record.first(EventName.PHASE)
        if phase and "utc" in phase:
            return datetime.fromisoformat(phase["utc"]) + timedelta(seconds=at_s - float(phase["began"]))
        began = datetime.fromisoformat(self.head["began"]) if "began" in self.head else datetime.fromtimestamp(0, UTC)
        return began + timedelta(seconds=at_s - self.from_s)

    def utc_text(self, at_s: float) -> str:
        """`14:30:07.123Z`."""
        return clock.utc_iso(self.utc(at_s))[11:]

    @property
    def began_text(self) -> str:
        """`2026-11-20 14:30:00.000Z`."""
        return f"{self.utc(self.from_s):%Y-%m-%d} {self.utc_text(self.from_s)}"

    def offset(self, at_s: float) -> str:
        """`00:07.123`, minutes and seconds since the run began; negative before that."""
        ms = round((at_s - self.from_s) * 1000)
        minutes, rest = divmod(abs(ms), 60_000)
        return f"{'-' if ms < 0 else ''}{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"

    @cached_property
    def phases(self) -> tuple[Phase, ...]:
        """The phases in order, without `end`, which is a moment."""
        marks = [(str(e["phase"]), float(e["began"])) for e in self.record.of(EventName.PHASE)]
        ends = [at_s for _, at_s in marks[1:]] + [self.to_s]
        return tuple(
            Phase(name, at_s, max(at_s, to_s)) for (name, at_s), to_s in zip(marks, ends, strict=False) if name != "end"
        )

    @cached_property
    def stretches(self) -> tuple[Phase, ...]:
        """The stretches of a schedule as phases, each from when it began to when it ended, or the run broke off."""
        began, made = dict[str, float](), list[Phase]()
        for event in self.record.of(EventName.INSTANT):
            if event["side"] == "begin":
                began[event["stretch"]] = float(event["began"])
            else:
                name = str(event["stretch"])
                made.append(Phase(name, began.pop(name, float(event["began"])), float(event["began"])))
        cut_s = self.times.undid_s or self.to_s
        made += [Phase(name, from_s, max(from_s, cut_s)) for name, from_s in began.items()]
        return tuple(sorted(made, key=lambda stretch: stretch.from_s))

    def bit_s(self, number: int | None = None) -> float | None:
        """When the change of that number took effect, without one all of them, or the first of a schedule; None where
        it is not proved."""
        if self.monitors is None or not self.monitors.bites:
            return None
        if number is None and not self.monitors.scheduled:
            return self.times.bit_s
        numbers = range(len(self.changes)) if number is None else (number,)
        found = [at_s for one in numbers if (at_s := self.monitors.effect_s("bites", one)) is not None]
        return min(found, default=None)

    def undone_s(self, number: int) -> float | None:
        """When the change of that number was seen undone, if in the end it was proved; None otherwise."""
        if self.monitors is None or not self.monitors.gones or not self.proved_gone(number):
            return None
        return self.monitors.effect_s("gone", number)

    @cached_property
    def transitions(self) -> tuple[Transition, ...]:
        """Every wanted state that was entered in fault and recovery, in the order of time."""
        if self.monitors is None:
            return ()
        waited = (monitor for monitor in self.monitors.expected if monitor.expectation.when == "eventually")
        found = [(monitor, entered) for monitor in waited if (entered := monitor.interval)]
        found.sort(key=lambda each: each[1].middle_s)
        return tuple(
            Transition(number, m.expectation.name, m.phase, m.expectation.condition.probes[0].name,
                       str(m.expectation.condition), entered, m.anchor_s, m.expectation.within_s)
            for number, (m, entered) in enumerate(found, start=1)
        )  # fmt: skip

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The latest moment allowed of every `eventually` whose time had begun to count."""
        monitors = self.monitors.expected if self.monitors else []
        return tuple(
            Limit(monitor.expectation.condition.probes[0].name, monitor.expectation.name, deadline_s)
            for monitor in monitors
            if (deadline_s := monitor.deadline_s()) is not None
        )

    @cached_property
    def lanes(self) -> tuple[Lane, ...]:
        """What every probe read, in the order in which the experiment names the probes."""
        order: list[str] = []
        if self.monitors is not None:
            monitors = [*self.monitors.baseline, *self.monitors.expected, *self.monitors.bites, *self.monitors.gones]
            order = [name for monitor in monitors for name in names_of(monitor.expectation)]
        return lanes(self.record, order, self.times.did_s)

    def readings(self, probes: Container[str]) -> list[Reading]:
        """All readings of these probes, in order."""
        read = (reading for event in self.record.of(EventName.READ) for reading in readings_of(event))
        return [reading for reading in read if reading.probe in probes]

    @cached_property
    def lateness(self) -> Lateness:
        """How late the run's own processes were, until its end."""
        return Lateness.of(self.record.until_end())

    @property
    def notes(self) -> list[tuple[str, str]]:
        """(when, what) of each that an operator made during the run."""
        made = self.record.of(EventName.NOTE)
        return [(self.utc_text(float(event["at"])), str(event.get("text", ""))) for event in made]

    def entered(self, phase: str) -> bool:
        """Whether the run got as far as the phase that a finding belongs to."""
        moment = dict.fromkeys(("fault", "always", "check"), self.times.did_s) | dict.fromkeys(
            ("recovery", "drain"), self.times.undid_s
        )
        return moment.get(phase, 0.0) is not None

    def proved_gone(self, number: int) -> bool:
        """Whether the run itself proved that its change of that number, from 0, was undone."""
        entry = f"{self.run}#{number}"
        return any(event["change"] == entry and event["ok"] for event in self.record.of(EventName.GONE))

    @property
    def gone_s(self) -> float | None:
        """When everything was seen undone, if in the end it was proved; None otherwise."""
        return self.times.gone_s if self.restored else None

    @property
    def usual(self) -> str:
        """What an answer of the load says of itself without a fault, as the experiment's checks have it; "" if not."""
        checks = self.experiment.checks if self.experiment else ()
        return next((str(c.params["usual"]) for c in checks if c.params.get("usual")), "")

    @property
    def latencies_text(self) -> str:
        """From when the latencies of the load's requests count. k6 does not tell when one was due."""
        traffic = self.experiment.traffic if self.experiment else None
        if getattr(traffic and traffic.load, "kind", "") in ("k6", "k6_pods"):
            return "Latencies count from when k6 sent a request, not from when it was due."
        return "Latencies count from when a request was due."

    @property
    def restored(self) -> bool | None:
        """Whether everything done is proved undone; None where nothing was done."""
        done = {event["change"] for event in self.record.of(*BEGUN)}
        if not done:
            return None
        return done <= {event["change"] for event in self.record.of(EventName.GONE) if event["ok"]}

    @property
    def mended_later(self) -> bool:
        """Whether the guardian undid and proved what the run itself did not."""
        done = {event["change"] for event in self.record.of(*BEGUN)}
        proved = self.guardian.of(EventName.GONE) if self.guardian else []
        gone = {event.get("change") for event in proved if event.get("ok")}
        return bool(done) and not self.restored and done <= gone
