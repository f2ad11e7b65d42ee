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
from blackstart.loads.driving.control import Control, first, say
from blackstart.loads.driving.files import file_limit
from blackstart.loads.driving.http import Http
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
            await sender.close()


class Sender:
    """One process's share of an open loop: request k belongs to worker k modulo the number of workers."""

    def __init__(self, load: OpenLoop, turns: list[Prepared], writer: HistoryWriter, share: Share) -> None:
        number, count = share
        self._load, self._turns, self._writer = load, turns, writer
        self.worker = f"{load.name}/{number}"
        self._http = Http(self.worker)
        self._schedule: Iterator[tuple[int, float]] = islice(enumerate(offsets_s(load.stages), 1), number, None, count)
        self._cap = min(max(1, load.max_in_flight // count), file_limit())
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._all_sent = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closing = False
        self._broken: OSError | None = None
        self._begin_s = 0.0
        self._next = next(self._schedule, None)
        self.intended = 0
        self.cut = 0

    async def run(self, begin_s: float, control: Control) -> Driven:
        """Send until the stages end or the parent stops it; then wait for what is in flight."""
        self._begin_s = begin_s
        self._tick()
        await first(self._all_sent.wait(), control.stopping.wait())
        stopped = not self._all_sent.is_set()
        if stopped:
            self._closing = True
            self._tick()  # what is due by now is part of the load
        lasted_s = now_s() - begin_s if stopped else duration_s(self._load.stages) or 0.0
        if self._timer:
            self._timer.cancel()
        await self._drain(control)
        reasons = (f"the history can't be written: {self._broken}",) if self._broken else ()
        return Driven(self.intended, None, max(lasted_s, 0.0), self.cut, stopped, reasons)

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.close()

    def _tick(self) -> None:
        """Send all that is due, then sleep until the next is. A late tick sends all at once: nothing is left out."""
        loop = asyncio.get_running_loop()
        while self._next is not None:
            number, offset_s = self._next
            due_s = self._begin_s + offset_s
            wait_s = due_s - now_s()
            if wait_s > 0:
                if not self._closing:
                    self._timer = loop.call_later(wait_s, self._tick)
                return
            self._fire(loop, number, due_s)
            self._next = next(self._schedule, None)
        self._all_sent.set()

    def _fire(self, loop: asyncio.AbstractEventLoop, number: int, due_s: float) -> None:
        self.intended += 1
        op = self._turns[(number - 1) % len(self._turns)]
        key = f"{self._load.key_prefix}{number}"
        if len(self._tasks) >= self._cap:
            detail = f"unsent: {len(self._tasks)} requests in flight already"
            self._write(Row(op.operation.name, key, 1, due_s, None, None, "fail", None, "", detail, self.worker))
            return
        task = loop.create_task(self._send(op, key, number, due_s))
        self._tasks.add(task)
        self._idle.clear()
        task.add_done_callback(self._done)

    async def _send(self, op: Prepared, key: str, number: int, due_s: float) -> None:
        """One key's attempts, each a row the moment its fate is known."""
        retry, request, attempt = self._load.retry, op.request(key, number), 0
        while True:
            attempt += 1
            row = await self._http.attempt(op, request, key, attempt, due_s)
            self._write(row)
            if attempt > retry.times or row.outcome not in retry.outcomes or self._closing:
                return
            due_s = now_s() + retry.after_s
            await asyncio.sleep(retry.after_s)
            if self._closing:
                return

    def _write(self, row: Row) -> None:
        try:
            self._writer.append(row)
        except OSError as error:
            self._broken = self._broken or error

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not self._tasks:
            self._idle.set()

    async def _drain(self, control: Control) -> None:
        """Wait for what is in flight, at most until its own time limits, or until the parent wants an end at once."""
        if not self._closing:
            await first(self._idle.wait(), control.stopping.wait())
            self._closing = True  # no more retries
        await first(self._idle.wait(), control.aborting.wait())
        cut = list(self._tasks)
        self.cut = len(cut)
        for task in cut:
            task.cancel()
        await asyncio.gather(*cut, return_exceptions=True)


def _settle_memory() -> None:
    """Keep the collector away from what is there for good: its pauses would show as late starts."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
