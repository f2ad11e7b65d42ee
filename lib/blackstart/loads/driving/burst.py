"""Opens every connection, sends all but the last byte of every request, then lets all last bytes go in one sweep."""

import asyncio
from pathlib import Path

from blackstart.base.clock import now_s
from blackstart.evidence import history
from blackstart.evidence.history import Row
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.loads.burst import Burst
from blackstart.loads.driving.control import Control, first, say
from blackstart.loads.driving.files import file_limit
from blackstart.loads.driving.lane import Lane
from blackstart.loads.driving.place import NotSent, Place
from blackstart.loads.driving.prepared import Prepared, mask_for
from blackstart.loads.driving.reach import unreachable
from blackstart.loads.summary import Driven, summarise

# Connections opened at once: below the backlog of common servers (128), beyond which the kernel drops and waits 1 s.
_OPENING = 64


async def drive(load: Burst, spec_path: Path, history_path: Path, control: Control, share: object) -> None:
    """Play the burst, and tell the parent what came of it."""
    op = Prepared(load.operation, load.seed, keep_alive=False)
    if file_limit() < load.n:
        raise ValueError(f"a burst of {load.n} needs {load.n} open files; this process may have {file_limit()}")
    with HistoryWriter(history_path, mask_for([op])) as writer:
        say("ready", kind=load.kind, worker=f"{load.name}/0", unreachable=await unreachable([op]))
        if await control.go() is None:
            driven = Driven(planned=load.n, stopped=True, reasons=("it was ended before it began",))
        else:
            driven = await _Volley(load, op, writer, control).fire()
    say("summary", **summarise(load.name, load.kind, history.read(history_path), driven).to_data())


class _Volley:
    """The lanes of one burst, from opening to their last row."""

    def __init__(self, load: Burst, op: Prepared, writer: HistoryWriter, control: Control) -> None:
        self._load, self._op, self._writer, self._control = load, op, writer, control
        self._lanes = [Lane() for _ in range(load.n)]
        self._slots = asyncio.Semaphore(_OPENING)
        self._place = Place(op.host, op.port, op.tls)
        self._released_s = 0.0

    async def fire(self) -> Driven:
        """All of it. Cut short where the parent wants an end at once."""
        begin_s = now_s()
        all_open = asyncio.ensure_future(self._open_all())
        await first(asyncio.shield(all_open), self._control.stopping.wait())
        if not all_open.done():
            all_open.cancel()
            self._close()
            return Driven(self._load.n, self._load.n, now_s() - begin_s, self._load.n, True, ("it was ended early",))
        all_open.result()
        hasty = sum(lane.over and lane.loaded_s is not None for lane in self._lanes)
        spread_s = self._release()
        followed = asyncio.ensure_future(asyncio.gather(*map(self._follow, range(self._load.n))))
        await first(asyncio.shield(followed), self._control.aborting.wait())
        cut = sum(not lane.over for lane in self._lanes)
        for lane in self._lanes:
            lane.lost("cut: the load had to end")
        await followed
        self._close()
        reasons = self._control.why_ended() if cut else ()
        if hasty:
            told = f"{hasty} of {self._load.n} requests were answered, or lost, before they were sent whole"
            reasons = (told, *reasons)
        spread_ms = round(spread_s * 1000, 3)
        return Driven(self._load.n, self._load.n, now_s() - begin_s, cut, bool(cut), reasons, spread_ms)

    async def _open_all(self) -> None:
        deadline = asyncio.get_running_loop().time() + self._load.connect_s
        await asyncio.gather(*(self._open(number, deadline) for number in range(self._load.n)))

    async def _open(self, number: int, deadline: float) -> None:
        """Connect and send all but the last byte; a lane that can't be opened stays closed and says why."""
        lane = self._lanes[number]
        request = self._op.request(self._key(number), number + 1)
        try:
            async with self._slots, asyncio.timeout_at(deadline):
                lane.load(await self._place.connect(), request, self._op.head_only)
        except NotSent as failure:
            lane.lost(f"unsent: {failure}")
        except TimeoutError:
            lane.lost(f"unsent: not open within {self._load.connect_s:g} s")

    def _release(self) -> float:
        """Let the last bytes go; nothing else happens in this process meanwhile. Returns the seconds it took."""
        self._released_s = now_s()
        for lane in self._lanes:
            lane.release()
        return now_s() - self._released_s

    async def _follow(self, number: int) -> None:
        lane = self._lanes[number]
        await lane.finished(self._op.operation.timeout_s)
        self._writer.append(self._row(number, lane))

    def _row(self, number: int, lane: Lane) -> Row:
        op, key = self._op.operation, self._key(number)
        attempt = number + 1 if self._load.same_key else 1
        worker = f"{self._load.name}/0"
        if lane.loaded_s is None:
            return Row(op.name, key, attempt, self._released_s, None, None, "fail", None, "", lane.why, worker)
        # One that was over before the release was never due then.
        due_s = min(self._released_s, lane.loaded_s) if lane.hasty(self._released_s) else self._released_s
        times = (due_s, lane.loaded_s, lane.end_s)
        if lane.answer is None:
            return Row(op.name, key, attempt, *times, "info", None, "", lane.why, worker)
        status, headers, body = lane.answer
        outcome, instance, detail = self._op.judge(status, headers, body)
        return Row(op.name, key, attempt, *times, outcome, status, instance, detail, worker)

    def _key(self, number: int) -> str:
        return self._load.key_prefix if self._load.same_key else f"{self._load.key_prefix}{number + 1}"

    def _close(self) -> None:
        for lane in self._lanes:
            lane.close()
