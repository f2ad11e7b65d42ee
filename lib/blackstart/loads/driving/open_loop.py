"""Sends each request at its time, one task for each, and never waits for the system."""

import dataclasses
import gc
from pathlib import Path

from blackstart.evidence import history
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.loads.driving.attempt import Attempt
from blackstart.loads.driving.control import Control, say
from blackstart.loads.driving.pool import Pools
from blackstart.loads.driving.prepared import mask_for, prepare
from blackstart.loads.driving.reach import unreachable
from blackstart.loads.driving.sender import Done, Job, Sender, Share
from blackstart.loads.driving.workers import play_shared
from blackstart.loads.open_loop import OpenLoop
from blackstart.loads.stages import planned
from blackstart.loads.summary import Driven, summarise


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
        pools = Pools()

        def job(at: int, key: str, number: int, worker: str, done: Done) -> Job:
            op = turns[at % len(turns)]
            return Attempt(op, key, number, worker, done, pools.of(op))

        sender = Sender(load, job, writer, share)
        missing = await unreachable(turns)
        _settle_memory()
        say("ready", kind=load.kind, worker=sender.worker, unreachable=missing)
        try:
            begin_s = await control.go()
            if begin_s is None:
                return Driven(stopped=True, reasons=("it was ended before it began",))
            return await sender.run(begin_s, control)
        finally:
            pools.close()


def _settle_memory() -> None:
    """Keep the collector away from what is there for good: its pauses would show as late starts."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
