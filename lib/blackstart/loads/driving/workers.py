"""One load played by several processes: this one starts them, gives them one start time, and adds them up."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

from blackstart.base.clock import now_s
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.loads.driving.control import Control, say
from blackstart.loads.summary import Driven

# Time for the go to reach every worker before the first request is due.
_HEAD_START_S = 0.05
_KILL_AFTER_S = 5.0


async def play_shared(count: int, spec_path: Path, history_path: Path, control: Control) -> Driven:
    """Play a spec with `count` workers. A worker that dies takes its share with it: that is a reason, not a crash."""
    HistoryWriter(history_path).close()  # the header is there before the workers write
    argv = [sys.executable, "-m", "blackstart.loads", str(spec_path), str(history_path), "--worker"]
    # The spec may be a handle that we inherited ourselves.
    handed = (int(spec_path.name),) if str(spec_path.parent) == "/dev/fd" else ()
    workers = [
        await asyncio.create_subprocess_exec(*argv, f"{number}/{count}", stdin=PIPE, stdout=PIPE, pass_fds=handed)
        for number in range(count)
    ]
    events = [_Events(worker) for worker in workers]
    try:
        ready = await asyncio.gather(*(each.next("ready") for each in events))
        missing = sorted({place for each in ready if each for place in each["unreachable"]})
        say("ready", kind="open_loop", workers=count, unreachable=missing)
        begin_s = await control.go()
        if begin_s is None:
            return Driven(stopped=True, reasons=("it was ended before it began",))
        begin_s = max(begin_s, now_s() + _HEAD_START_S)
        _tell(workers, f"go {begin_s:.6f}\n")
        relay = asyncio.ensure_future(_relay(workers, control))
        worked = await asyncio.gather(*(each.next("worked") for each in events))
        relay.cancel()
        return _added_up(worked, control.stopping.is_set())
    finally:
        await _end(workers)


class _Events:
    """The JSON lines of one worker."""

    def __init__(self, worker: Process) -> None:
        self._worker = worker

    async def next(self, event: str) -> dict[str, Any] | None:
        """The next line of that event; None where the worker ended without it."""
        assert self._worker.stdout
        while line := await self._worker.stdout.readline():
            facts = json.loads(line)
            if facts["event"] == event:
                return dict(facts)
            if facts["event"] == "stalled":
                say(**facts)
        return None


def _tell(workers: list[Process], line: str) -> None:
    for worker in workers:
        if worker.stdin and worker.returncode is None:
            worker.stdin.write(line.encode())


async def _relay(workers: list[Process], control: Control) -> None:
    await control.stopping.wait()
    if not control.aborting.is_set():
        _tell(workers, "stop\n")
    await control.aborting.wait()
    for worker in workers:
        if worker.stdin:
            worker.stdin.close()


def _added_up(worked: list[dict[str, Any] | None], stopped: bool) -> Driven:
    done = [each for each in worked if each]
    reasons = list(dict.fromkeys(reason for each in done for reason in each["reasons"]))
    if len(done) < len(worked):
        reasons.append(f"{len(worked) - len(done)} of {len(worked)} workers died: their share was not sent")
    return Driven(
        intended=sum(each["intended"] for each in done),
        lasted_s=max((each["lasted_s"] for each in done), default=0.0),
        cut=sum(each["cut"] for each in done),
        stopped=stopped,
        reasons=tuple(reasons),
    )


async def _end(workers: list[Process]) -> None:
    """Close the pipes, which ends a worker; kill one that does not end."""
    for worker in workers:
        if worker.stdin:
            worker.stdin.close()
    for worker in workers:
        try:
            async with asyncio.timeout(_KILL_AFTER_S):
                await worker.wait()
        except TimeoutError:
            worker.kill()
            await worker.wait()
