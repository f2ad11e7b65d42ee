"""Tells a run while it happens, and its verdict at the end: facts with times, in the order in which they were seen."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from blackstart.base import clock
from blackstart.base.console import Console
from blackstart.base.durations import shown
from blackstart.base.live import Row
from blackstart.base.printable import shortened
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

T = TypeVar("T")
_PROGRESS_EVERY_S = 0.5
_INDENT, _READ_COLUMNS, _LEAST_COLUMNS = 13, 32, 40  # of the block's rows
_UNDOING = ("undo", "undo again")
_UNDOES = "undoes it first, then ends"
_ENDS = "ends it once it is undone"
_CTRL_C = {"baseline": "ends it, nothing is broken yet", "checks": "ends it, nothing is broken yet",
           "bite": _UNDOES, "fault": _UNDOES, "undo": _ENDS, "undo again": _ENDS,
           "recovery": "ends it: whether the system recovers is not seen then"}  # fmt: skip


@dataclass(frozen=True)
class Wait:
    """What is waited for: as people call it, in which phase, since when, and for about how long, or how long at most,
    where that is known."""

    what: str
    phase: str
    began_s: float
    about_s: float = 0.0
    most_s: float = 0.0

    def told(self, now_s: float, limits: list[float]) -> str:
        """`recovery 12 s of at most 90 s`; `limits` are when what is awaited must have come (`clock.now_s()`)."""
        last_s = max(limits, default=self.began_s + (self.most_s or self.about_s))
        how = "at most" if limits or self.most_s else "about"
        of = f" of {how} {last_s - self.began_s:.0f} s" if last_s > now_s else ""
        return f"{self.what} {now_s - self.began_s:.0f} s{of}"


class Narrator:
    """Announces transitions once each, shows how a wait is going, and closes with the verdict."""

    def __init__(self, console: Console, observer: Observer, plan: Plan, verbose: bool = False) -> None:
        self.console, self.observer, self.plan, self.verbose = console, observer, plan, verbose
        self._told: set[tuple[str, str, str]] = set()
        self._logs: dict[str, list[str]] = {}
        self._log_mark = service_logs.mark(plan.target)
        self._wait = Wait("baseline", "baseline", clock.now_s())
        self._progress_s = 0.0
        self._tries, self._failing = 0, ""

    def waiting(self, what: str, phase: str, about_s: float = 0.0, most_s: float = 0.0) -> None:
        """A wait begins: for what is expected in that phase, for `about_s`, or for `most_s` at most."""
        with contextlib.suppress(Exception):  # an undo may be next, whatever is wrong with what is told
            self._tell_news()  # of the wait before: what ended it
        self._wait = Wait(what, phase, clock.now_s(), about_s, most_s)
        self._tries, self._failing = 0, ""
        names = [monitor.expectation.name for monitor in self.observer.undecided(phase)]
        if names:
            self.console.say(f"{what}: waiting for {', '.join(names)}")

    def tick(self) -> None:
        """Tell what has changed since the last call, and now and then how the wait is going."""
        self._tell_news()
        now_s = clock.now_s()
        if now_s - self._progress_s >= _PROGRESS_EVERY_S:
            self._take_note()
            self._progress_s = now_s
            self.console.progress(self._progress(now_s))

    def _tell_news(self) -> None:
        for monitor, interval in self._news():
            since_s = max(0.0, interval.middle_s - (monitor.anchor_s or interval.middle_s))
            after = f"{shown(since_s)} after {monitor.since}"
            self.console.say(f"{monitor.phase}: {monitor.expectation.condition}, {after}")
        for ones, why in _by_reason((one, one.expectation.when, last) for one, last in self._violations()):
            self.console.say(f"VIOLATED: {_names(ones)}, {ones[0].expectation.when}{_condition(ones)}: {why}")
        for ones, why in _by_reason((one, _limit_of(one), one.last) for one in self._missed()):
            self.console.say(f"NOT SEEN: {_names(ones)},{_condition(ones)}{_limit_of(ones[0])}: {why}")

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

    def _missed(self) -> list[Monitor]:
        """What has not come in its time, in the phase that is waited in: of one that ended early, nothing is due.

        What had the same time is told together: each is known as missed only by its own next reading.
        """
        missed, due = self.observer.missed(self._wait.phase), _limits(self.observer.undecided(self._wait.phase))
        return [one for one in missed if one.deadline_s() not in due and self._is_new(one, "missed")]

    def _is_new(self, monitor: Monitor, what: str = "") -> bool:
        key = (monitor.phase, monitor.expectation.name, what)
        new = key not in self._told
        self._told.add(key)
        return new

    def trying(self, times: int) -> None:
        """An undo is under way, in that try; called a few times a second while its proof is looked for."""
        self._tries = times
        with contextlib.suppress(Exception):  # whatever is wrong with what is told, the undo goes on
            self.tick()

    def undo_failed(self, why: str, times: int) -> None:
        """One more try of an undo has failed, so many in a row for that reason."""
        among = f" in {self._tries} tries" if self._tries > times else ""
        tried = f"failed {times} time{'' if times == 1 else 's'}{among}: "
        self._failing = tried + shortened(why.removeprefix("undo failed: "), self.console.columns - 12 - len(tried))

    def rows(self) -> Iterator[Row]:
        """What a terminal shows of it: how long of how long, what is awaited and as what it was read last, what comes
        next, and which undo fails. Called in a thread of its own."""
        awaited = self.observer.undecided(self._wait.phase)
        yield Row(self._heading(clock.now_s(), awaited), style="bold")
        if self._failing:
            yield Row("undo", self._failing, "bold red")
        wanted = [(f"{one.expectation.condition}{_limit(one)}", one.last) for one in awaited] or self._unproved()
        # What was read must be seen, however long is what is awaited.
        room = max(_LEAST_COLUMNS, self.console.columns - _INDENT - _READ_COLUMNS)
        wanted = [(shortened(what, room), last) for what, last in wanted]
        width = max((len(what) for what, _ in wanted), default=0)
        for number, (what, last) in enumerate(wanted):
            yield Row("" if number else "awaiting", f"{what:<{width}}  {shown_reading(last)}")
        yield Row("next", self._then())
        yield Row("keys", f"Ctrl-C {_CTRL_C.get(self._wait.phase, 'ends it')}; a typed line is a note", "dim")

    def _heading(self, now_s: float, awaited: list[Monitor]) -> str:
        tries = f", try {self._tries}" if self._tries > 1 and self._wait.phase in _UNDOING else ""
        return f"{self._wait.told(now_s, _limits(awaited))}{tries}"

    def _unproved(self) -> list[tuple[str, Reading | None]]:
        """What would prove that the fault bites, or is undone, and is not read so; with what is."""
        side = {"bite": "bites", "undo": "gone", "undo again": "gone"}.get(self._wait.phase)
        wanted = [condition for change in self.plan.changes for condition in getattr(change, side)] if side else []
        seen = [(condition, self.observer.latest.get(condition.probe.name)) for condition in wanted]
        return [(str(condition), last) for condition, last in seen if not last or not condition.matches(last)]

    def _progress(self, now_s: float) -> str:
        """`recovery 12 s of at most 90 s, then 5 s to see that it lasts; awaiting ready_200_again (ready was 503)`."""
        awaited = self.observer.undecided(self._wait.phase)
        wanted = [(m.expectation.name, m.last) for m in awaited] or self._unproved()
        reasons = _by_reason((str(what), "", last) for what, last in wanted)
        told = ", ".join(f"{', '.join(whats)} ({why})" for whats, why in reasons)
        names = f"; awaiting {told}" if wanted else ""
        failing = f"; the undo {self._failing}" if self._failing else ""
        told = f"{self._heading(now_s, awaited)}, then {self._then()}{names}{failing}"
        return f"{told}. {self.observer.shown()}" if self.verbose else told

    def _then(self) -> str:
        """What happens next."""
        undo = ", ".join(change.what for change in self.plan.changes)
        return {
            "baseline": undo or self.plan.drives,
            "checks": undo or self.plan.drives,
            "bite": "the system is watched, then what was done is undone",
            "fault": f"undo of {undo}" if undo else "the end of the load",
            "undo": "recovery",
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
        judgement, stands = view.judgement, standing.of(view)
        if judgement.verdict == Verdict.REFUSED:
            state = closing.state_lines(stands, self.console.columns)
            self.console.plain(f"what was read until then: {folder.path}/", *state, *judgement.reasons)
            return
        if not self.console.quiet:
            self.console.plain(*closing.details(judgement, stands, self._logs, self.console.columns), "")
        self.console.coloured(stands.title, judgement.verdict.colours)
        self.console.plain(*closing.last_lines(stands, folder.log, folder.id, self.console.columns))


def _limits(awaited: list[Monitor]) -> list[float]:
    return [at_s for monitor in awaited if (at_s := monitor.deadline_s()) is not None]


def _limit(monitor: Monitor) -> str:
    return f" within {monitor.expectation.within_s:g} s" if monitor.expectation.within_s else ""


def _limit_of(monitor: Monitor) -> str:
    return f"{_limit(monitor)} of {monitor.since}"


def _names(monitors: Sequence[Monitor]) -> str:
    return ", ".join(monitor.expectation.name for monitor in monitors)


def _condition(monitors: Sequence[Monitor]) -> str:
    """Of one its condition; of several, which share a line, none."""
    return f" {monitors[0].expectation.condition}" if len(monitors) == 1 else ""


def _by_reason(read: Iterable[tuple[T, str, Reading | None]]) -> Iterator[tuple[list[T], str]]:
    """What was read of each thing (with what it must have in common with another), in words: things that could not be
    read for one reason, as an API that is down, are told in one line."""
    groups: dict[tuple[object, ...], tuple[list[T], Reading | None]] = {}
    for number, (one, common, last) in enumerate(read):
        key = (last.kind, last.note) if last and last.kind != "value" else (number,)
        groups.setdefault((common, *key), ([], last))[0].append(one)
    for ones, last in groups.values():
        yield (
            ones,
            shown_reading(last)
            if len(ones) == 1 or last is None
            else f"all {str(last).removeprefix(f'{last.probe} was ')}",
        )


def _last(monitor: Monitor) -> str:
    """The last reading, and why it was so where the probe says that."""
    last = monitor.last
    return f"{shown_reading(last)}{f' ({last.note})' if last and last.kind == 'value' and last.note else ''}"
