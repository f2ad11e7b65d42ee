"""Sends each request at its time, one task for each, and never waits for the system."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from blackstart import history
from blackstart.clock import now_s
from blackstart.history import HistoryWriter, Row
from blackstart.loads.driving.attempt import Attempt
from blackstart.loads.driving.control import Control, first, say
from blackstart.loads.driving.files import file_limit
from blackstart.loads.driving.pool import Pools
from blackstart.loads.driving.prepared import Prepared, mask_for, prepare
from blackstart.loads.driving.reach import unreachable
from blackstart.loads.driving.workers import play_shared
from blackstart.loads.open_loop import OpenLoop
from blackstart.loads.stages import duration_s, offsets_s, planned
from blackstart.loads.summary import Driven, summarise

Share = tuple[int, int]


async def drive(load: OpenLoop, spec_path: Path, history_path: Path, control: Control, share: Share | None) -> None:
    """Play the load (or one worker's share of it), and tell the parent what came of it."""
    if share is None and load.worker_count > 1:
        driven = await play_shared(load.worker_count, spec_path, history_path, control)
    else:
        driven = await _play(load, history_path, control, share or (0, 1))
    if share is not None:
        say("worked", intended=driven.intended, lasted_s=driven.lasted_s, cut=driven.cut, reasons=driven.reasons)
        return
    driven = dataclasses.replace(driven, planned=planned(load.stages))
    say("summary", **summarise(load.name, load.kind, history.read(history_path), driven).to_data())


async def _play(load: OpenLoop, history_path: Path, control: Control, share: Share) -> Driven:
    turns = prepare(load.operations, load.seed)
    with HistoryWriter(history_path, mask_for(turns)) as writer:
        sender = Sender(load, turns, writer, share)
        missing = await unreachable(turns)
        _settle_memory()
        say("ready", kind=load.kind, worker=sender.worker, unreachable=missing)
        try:
            begin_s = await control.go()
            if begin_s is None:
                return Driven(stopped=True, reasons=("it was ended before it began",))
            return await sender.run(begin_s, control)
        finally:
            sender.close()


class Sender:
    """One process's share of an open loop: request k belongs to worker k modulo the number of workers."""

    def __init__(self, load: OpenLoop, turns: list[Prepared], writer: HistoryWriter, share: Share) -> None:
        number, count = share
        self._load, self._turns, self._writer = load, turns, writer
        self.worker = f"{load.name}/{number}"
        self._pools = Pools()
        self._schedule: Iterator[tuple[int, float]] = islice(enumerate(offsets_s(load.stages), 1), number, None, count)
        self._next = next(self._schedule, None)
        self._cap = min(max(1, load.max_in_flight // count), file_limit())
        self._open: set[Attempt] = set()
        self._retries: dict[Attempt, asyncio.TimerHandle] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._all_sent, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        self._closing = False
        self._broken: OSError | None = None
        self._begin_s = 0.0
        self._intended = 0

    async def run(self, begin_s: float, control: Control) -> Driven:
        """Send until the stages end or the parent stops it; then wait for what is in flight."""
        self._begin_s = begin_s
        self._loop = asyncio.get_running_loop()
        self._tick()
        await first(self._all_sent.wait(), control.stopping.wait())
        stopped = not self._all_sent.is_set()
        if stopped:
            self._closing = True
            self._tick()  # what is due by now is part of the load
        lasted_s = now_s() - begin_s if stopped else duration_s(self._load.stages) or 0.0
        if self._timer:
            self._timer.cancel()
        cut = await self._drain(control)
        reasons = (f"the history can't be written: {self._broken}",) if self._broken else ()
        return Driven(self._intended, None, max(lasted_s, 0.0), cut, stopped, reasons)

    def close(self) -> None:
        """Give the connections back."""
        self._pools.close()

    def _tick(self) -> None:
        """Send all that is due, then sleep until the next is. A late tick sends all at once: nothing is left out."""
        while self._next is not None and self._broken is None:
            number, offset_s = self._next
            due_s = self._begin_s + offset_s
            wait_s = due_s - now_s()
            if wait_s > 0:
                if not self._closing:
                    self._timer = self._loop.call_later(wait_s, self._tick)
                return
            self._fire(number, due_s)
            self._next = next(self._schedule, None)
        self._all_sent.set()

    def _fire(self, number: int, due_s: float) -> None:
        self._intended += 1
        op = self._turns[(number - 1) % len(self._turns)]
        key = f"{self._load.key_prefix}{number}"
        if len(self._open) >= self._cap:
            detail = f"unsent: {len(self._open)} requests in flight already"
            self._write(Row(op.name, key, 1, due_s, None, None, "fail", None, "", detail, self.worker))
            return
        attempt = Attempt(op, key, number, self.worker, self._ended)
        self._open.add(attempt)
        self._idle.clear()
        attempt.go(due_s, self._pools.of(op))

    def _ended(self, attempt: Attempt, row: Row) -> None:
        """One attempt's fate is known: a row at once, and the next attempt where the load asks for one."""
        self._write(row)
        retry = self._load.retry
        if attempt.tries <= retry.times and row.outcome in retry.outcomes and not self._closing:
            due_s = now_s() + retry.after_s
            self._retries[attempt] = self._loop.call_later(retry.after_s, self._again, attempt, due_s)
        else:
            self._over(attempt)

    def _again(self, attempt: Attempt, due_s: float) -> None:
        del self._retries[attempt]
        attempt.go(due_s, self._pools.of(attempt.op))

    def _over(self, attempt: Attempt) -> None:
        self._open.discard(attempt)
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


def _settle_memory() -> None:
    """Keep the collector away from what is there for good: its pauses would show as late starts."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
