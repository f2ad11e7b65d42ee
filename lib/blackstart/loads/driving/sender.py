"""Fires each request at its time and follows it to its row, whatever a request is: HTTP, or a program that is run."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Protocol

from blackstart.base.clock import now_s
from blackstart.base.durations import shown
from blackstart.base.scheduling_lag import STALL_S
from blackstart.evidence.history import SENT_LATE_MS, Row
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.loads.commands import Commands
from blackstart.loads.driving.control import Control, first
from blackstart.loads.driving.files import file_limit
from blackstart.loads.open_loop import OpenLoop
from blackstart.loads.stages import duration_s, offsets_s
from blackstart.loads.summary import Driven

Share = tuple[int, int]


class Job(Protocol):
    """One request, which may be made several times: sent as HTTP, or a program run for it."""

    tries: int

    @property
    def op(self) -> Any:
        """What kind of request it is: its `name` is what the history calls it."""
        ...

    def go(self, intended_s: float) -> None:
        """Make it (again): the same key, the same content."""
        ...

    def cut(self) -> None:
        """End it now."""
        ...


Done = Callable[[Any, Row], None]
# Which of the turns it is, key, number, worker, and who is told its fate.
MakeJob = Callable[[int, str, int, str, Done], Job]


class Sender:
    """One process's share of an open loop: request k belongs to worker k modulo the number of workers."""

    def __init__(self, load: OpenLoop | Commands, make: MakeJob, writer: HistoryWriter, share: Share) -> None:
        number, count = share
        self._load, self._make, self._writer = load, make, writer
        self.worker = f"{load.name}/{number}"
        self._schedule: Iterator[tuple[int, float]] = islice(enumerate(offsets_s(load.stages), 1), number, None, count)
        self._next = next(self._schedule, None)
        self._cap = min(max(1, load.max_in_flight // count), file_limit())
        self._open: set[Job] = set()
        self._retries: dict[Job, asyncio.TimerHandle] = {}
        self._to_repeat: set[Job] = set()  # those that are sent once more when they are acknowledged
        self._repeated: set[Job] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._all_sent, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._closing = False
        self._broken: OSError | None = None
        self._begin_s = 0.0
        self._intended = 0
        self._sent_of = Counter[str]()
        self._gone_s = 0.0  # what was due before is not sent any more
        self._stalls_s: list[float] = []

    async def run(self, begin_s: float, control: Control) -> Driven:
        """Send until the stages end or the parent stops it; then wait for what is in flight."""
        self._begin_s = begin_s
        self._loop = asyncio.get_running_loop()
        self._tick()
        await first(self._all_sent.wait(), control.stopping.wait())
        stopped = await self._cut_short(control)
        if stopped:
            self._closing = True
            self._tick()  # what is due by now is part of the load
        lasted_s = now_s() - begin_s if stopped else duration_s(self._load.stages) or 0.0
        if self._timer:
            self._timer.cancel()
        cut = await self._drain(control)
        reasons = [f"the history can't be written: {self._broken}"] if self._broken else []
        reasons += [f"the load's process stood still for {shown(stall_s)}" for stall_s in self._stalls_s]
        return Driven(self._intended, None, max(lasted_s, 0.0), cut, stopped, (*reasons, *control.why_ended()))

    async def _cut_short(self, control: Control) -> bool:
        """Wait for the end of the stages, also of one that sends nothing any more; whether a stop came before."""
        length_s = duration_s(self._load.stages)
        left_s = 0.0 if length_s is None else self._begin_s + length_s - now_s()
        if self._all_sent.is_set() and self._broken is None and left_s > 0:
            await first(asyncio.sleep(left_s), control.stopping.wait())
            return control.stopping.is_set()
        return not self._all_sent.is_set()

    def _tick(self) -> None:
        """Send all that is due, then sleep until the next is. A late tick sends all at once, but for one that comes so
        late that we stood still: a crowd of what is long due would be another load, and measure itself."""
        while self._next is not None and self._broken is None:
            number, offset_s = self._next
            due_s = self._begin_s + offset_s
            wait_s = due_s - now_s()
            if wait_s > 0:
                if not self._closing:
                    self._timer = self._loop.call_later(wait_s, self._tick)
                return
            if -wait_s >= STALL_S and due_s >= self._gone_s:
                self._stalls_s.append(-wait_s)
                self._gone_s = due_s - wait_s - SENT_LATE_MS / 1000
            self._fire(number, due_s)
            self._next = next(self._schedule, None)
        self._all_sent.set()

    def _fire(self, number: int, due_s: float) -> None:
        self._intended += 1
        key = f"{self._load.key_prefix}{number}"
        attempt = self._make(number - 1, key, number, self.worker, self._ended)
        detail = ""
        if due_s < self._gone_s:
            detail = "unsent: its time was over, the load's process had stood still"
        elif len(self._open) >= self._cap:
            detail = f"unsent: {len(self._open)} requests in flight already"
        if detail:
            self._write(Row(attempt.op.name, key, 1, due_s, None, None, "fail", None, "", detail, self.worker))
            return
        self._open.add(attempt)
        # Of each operation by itself: their turns may keep step with what is sent again.
        self._sent_of[attempt.op.name] += 1
        nth, retry = self._sent_of[attempt.op.name], self._load.retry
        if retry.acknowledged_every and nth % retry.acknowledged_every == 0:
            self._to_repeat.add(attempt)
        self._idle.clear()
        attempt.go(due_s)
        if retry.twice_every and nth % retry.twice_every == 0:
            twin = self._make(number - 1, key, number, self.worker, self._ended)
            twin.tries = 1  # it is the second attempt
            self._open.add(twin)
            twin.go(due_s)

    def _ended(self, attempt: Job, row: Row) -> None:
        """One attempt's fate is known: a row at once, and the next attempt where the load asks for one."""
        if attempt in self._repeated and self._told_apart(row):  # it is there, and was told from a new one
            row = row._replace(outcome="ok")
        self._write(row)
        retry = self._load.retry
        once_more = row.outcome == "ok" and attempt in self._to_repeat
        if once_more:
            self._to_repeat.discard(attempt)
            self._repeated.add(attempt)
        if (once_more or (attempt.tries <= retry.times and row.outcome in retry.outcomes)) and not self._closing:
            wait_s = retry.wait_s(attempt.tries)
            self._retries[attempt] = self._loop.call_later(wait_s, self._again, attempt, now_s() + wait_s)
        else:
            self._over(attempt)

    def _told_apart(self, row: Row) -> bool:
        """Whether the system said that it is no new one: by its answer, or by a program's exit code."""
        known = row.status in self._load.retry.known_statuses or isinstance(self._load, Commands)
        return row.outcome == "fail" and known

    def _again(self, attempt: Job, due_s: float) -> None:
        del self._retries[attempt]
        attempt.go(due_s)

    def _over(self, attempt: Job) -> None:
        for jobs in (self._open, self._to_repeat, self._repeated):
            jobs.discard(attempt)
        if not self._open:
            self._idle.set()

    def _write(self, row: Row) -> None:
        try:
            self._writer.append(row)
        except OSError as error:
            # What leaves no row must not be sent: nobody could say afterwards what became of it.
            self._broken = self._broken or error
            self._all_sent.set()

    async def _drain(self, control: Control) -> int:
        """Wait for what is in flight, at most until its own time limits, or until the parent wants an end at once.

        Returns how many requests were cut off.
        """
        if not self._closing:
            await first(self._idle.wait(), control.stopping.wait())
            self._closing = True
        for attempt, timer in self._retries.items():
            timer.cancel()
            self._over(attempt)
        await first(self._idle.wait(), control.aborting.wait())
        cut = list(self._open)
        for attempt in cut:
            attempt.cut()
        return len(cut)
