"""Tells a run while it happens, and its verdict at the end: facts with times, in the order in which they were seen."""

from dataclasses import dataclass

from blackstart.base import clock
from blackstart.base.console import Console
from blackstart.base.durations import shown
from blackstart.engine import service_logs
from blackstart.engine.observer import Observer
from blackstart.evidence.events import EventName
from blackstart.evidence.folder import Folder
from blackstart.model.finding import Interval
from blackstart.model.finding import shown as shown_reading
from blackstart.model.plan import Plan
from blackstart.model.reading import Reading
from blackstart.model.verdict import Verdict
from blackstart.reports import closing, standing
from blackstart.reports.story import RunView
from blackstart.verdict.expectation_monitor import Monitor
from blackstart.verdict.judge import Judgement
from blackstart.verdict.monitors import late

_PROGRESS_EVERY_S = 0.5


@dataclass(frozen=True)
class Wait:
    """What is waited for: as people call it, in which phase, since when, and for how long at most where it is known."""

    what: str
    phase: str
    began_s: float
    about_s: float = 0.0


class Narrator:
    """Announces transitions once each, shows how a wait is going, and closes with the verdict."""

    def __init__(self, console: Console, observer: Observer, plan: Plan, verbose: bool = False) -> None:
        self.console, self.observer, self.plan, self.verbose = console, observer, plan, verbose
        self._told: set[tuple[str, str]] = set()
        self._logs: dict[str, list[str]] = {}
        self._log_mark = service_logs.mark(plan.target)
        self._wait = Wait("baseline", "baseline", clock.now_s())
        self._progress_s = 0.0

    def waiting(self, what: str, phase: str, about_s: float = 0.0) -> None:
        """A wait begins: for what is expected in that phase, or for `about_s`."""
        self._wait = Wait(what, phase, clock.now_s(), about_s)
        names = [monitor.expectation.name for monitor in self.observer.undecided(phase)]
        if names:
            self.console.say(f"{what}: waiting for {', '.join(names)}")

    def tick(self) -> None:
        """Tell what has changed since the last call."""
        for monitor, interval in self._news():
            since_s = max(0.0, interval.middle_s - (monitor.anchor_s or interval.middle_s))
            self.console.say(f"{monitor.phase}: {monitor.expectation.condition} after {shown(since_s)}")
        for monitor, reading in self._violations():
            expectation = monitor.expectation
            self.console.say(f"VIOLATED: {expectation.name}, {expectation.when} {expectation.condition}: {reading}")
        now_s = clock.now_s()
        if now_s - self._progress_s >= _PROGRESS_EVERY_S:
            self._take_note()
            self._progress_s = now_s
            self.console.progress(self._progress(now_s))

    def _take_note(self) -> None:
        """What the operator types while the run goes on is a note."""
        typed = (self.console.poll_line() or "").strip()
        if typed:
            self.observer.note(EventName.NOTE, text=typed)
            self.console.say(f"noted: {typed}")

    def _news(self) -> list[tuple[Monitor, Interval]]:
        with self.observer.lock:
            return [
                (monitor, monitor.interval)
                for monitor in self.observer.monitors.expected
                if monitor.interval is not None and monitor.anchor_s is not None and self._is_new(monitor)
            ]

    def _violations(self) -> list[tuple[Monitor, Reading | None]]:
        """What must hold all the time, and was seen not to: the judge may still say that it was our own lateness."""
        now_s = clock.now_s()
        with self.observer.lock:
            return [
                (monitor, monitor.against)
                for monitor in self.observer.monitors.expected
                if monitor.expectation.when != "eventually" and monitor.decided(now_s) and self._is_new(monitor)
            ]

    def _is_new(self, monitor: Monitor) -> bool:
        key = (monitor.phase, monitor.expectation.name)
        new = key not in self._told
        self._told.add(key)
        return new

    def _progress(self, now_s: float) -> str:
        """`recovery 12 s of at most 90 s, then 5 s to see that it lasts; awaiting ready_200_again (ready was 503)`.

        A line that is too long for its terminal is cut at its end.
        """
        wait, awaited = self._wait, self.observer.undecided(self._wait.phase)
        limits = [at_s for monitor in awaited if (at_s := monitor.deadline_s()) is not None]
        last_s = max(limits, default=wait.began_s + wait.about_s)
        of = f" of {'at most' if limits else 'about'} {last_s - wait.began_s:.0f} s" if last_s > now_s else ""
        names = f"; awaiting {', '.join(f'{m.expectation.name} ({shown_reading(m.last)})' for m in awaited)}"
        names = names if awaited else ""
        then = self._then()
        told = f"{wait.what} {now_s - wait.began_s:.0f} s{of}{f', then {then}' if then else ''}{names}"
        return f"{told}. {self.observer.shown()}" if self.verbose else told

    def _then(self) -> str:
        """What happens next."""
        undo = ", ".join(change.what for change in self.plan.changes)
        return {
            "baseline": undo or self.plan.drives,
            "fault": f"undo of {undo}" if undo else "the end of the load",
            "recovery": f"{self.plan.experiment.settle_s:g} s to see that it lasts",
        }.get(self._wait.phase, "the verdict")

    def keep_logs(self, judgement: Judgement) -> None:
        """Keep the services' last log lines of a run that did not hold."""
        if judgement.verdict != Verdict.HELD:
            for name, lines in service_logs.tails(self.plan.target, self._log_mark, service_logs.read_paths(self.plan)):
                self.observer.note(EventName.LOG_TAIL, service=name, lines=lines)
                self._logs[name] = lines

    def baseline_failures(self) -> str:
        """What is missing of the baseline, as last seen."""
        with self.observer.lock:
            missing = [w for w in self.observer.monitors.baseline if w.interval is None or w.lost_again or late(w)]
            told = [f"{w.expectation.condition} was wanted{_limit(w)}, {_last(w)}" for w in missing]
        told += [f"nobody could see whether to abort ({blind})" for blind in self.observer.blind()]
        return "; ".join(told) or "the load does not flow"

    def verdict(self, view: RunView, folder: Folder) -> None:
        """What was expected and seen, and last how things stand."""
        judgement = view.judgement
        if judgement.verdict == Verdict.REFUSED:
            self.console.plain(f"what was read until then: {folder.path}/", *judgement.reasons)
            return
        stands = standing.of(view)
        if not self.console.quiet:
            self.console.plain(*closing.details(judgement, stands, self._logs, self.console.columns), "")
        self.console.coloured(stands.title, judgement.verdict.colours)
        self.console.plain(*closing.last_lines(stands, folder.log, folder.id, self.console.columns))


def _limit(monitor: Monitor) -> str:
    return f" within {monitor.expectation.within_s:g} s" if monitor.expectation.within_s else ""


def _last(monitor: Monitor) -> str:
    """The last reading, and why it was so where the probe says that."""
    last = monitor.last
    return f"{shown_reading(last)}{f' ({last.note})' if last and last.kind == 'value' and last.note else ''}"
