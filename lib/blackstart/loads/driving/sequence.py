"""Sends the requests of a sequence, each when the one before has its row."""

import asyncio
from pathlib import Path

from blackstart.base.clock import now_s
from blackstart.evidence import history
from blackstart.evidence.history import Row
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.loads.driving.attempt import Attempt
from blackstart.loads.driving.control import Control, first, say
from blackstart.loads.driving.pool import Pools
from blackstart.loads.driving.prepared import Prepared, mask_for
from blackstart.loads.driving.reach import unreachable
from blackstart.loads.sequence import Sequence
from blackstart.loads.summary import Driven, summarise


async def drive(load: Sequence, spec_path: Path, history_path: Path, control: Control, share: object) -> None:
    """Play the sequence, and tell the parent what came of it."""
    ops = [Prepared(operation, load.seed) for operation in load.operations]
    pools = Pools()
    with HistoryWriter(history_path, mask_for(ops)) as writer:
        say("ready", kind=load.kind, worker=f"{load.name}/0", unreachable=await unreachable(ops))
        try:
            if await control.go() is None:
                driven = Driven(planned=len(ops), stopped=True, reasons=("it was ended before it began",))
            else:
                driven = await _play(load, ops, writer, control, pools)
        finally:
            pools.close()
    say("summary", **summarise(load.name, load.kind, history.read(history_path), driven).to_data())


async def _play(load: Sequence, ops: list[Prepared], writer: HistoryWriter, control: Control, pools: Pools) -> Driven:
    begin_s, cut = now_s(), 0
    for step, op in enumerate(ops):
        if control.stopping.is_set():
            reasons = (f"{len(ops) - step} of {len(ops)} requests were not sent: the load had to end",)
            return Driven(len(ops), len(ops), now_s() - begin_s, cut, True, reasons)
        ended: asyncio.Future[Row] = asyncio.get_running_loop().create_future()

        def done(_: Attempt, row: Row, ended: asyncio.Future[Row] = ended) -> None:
            ended.set_result(row)

        attempt = Attempt(op, load.key_prefix, 1, f"{load.name}/0", done, pools.of(op))
        attempt.tries = step  # one key's attempts are told apart in the record
        attempt.go(now_s())
        await first(asyncio.shield(ended), control.aborting.wait())
        if not ended.done():
            cut += 1
            attempt.cut()
        writer.append(await ended)
    return Driven(len(ops), len(ops), now_s() - begin_s, cut, bool(cut), control.why_ended() if cut else ())
