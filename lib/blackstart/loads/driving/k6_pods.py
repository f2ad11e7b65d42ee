"""Has the pods of a Job play a k6 script at one time, and writes what all of them tell into one history."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from blackstart.base.clock import now_s
from blackstart.base.durations import shown
from blackstart.base.errors import StepFailed
from blackstart.base.writer import error as say_error
from blackstart.evidence.history_writer import HistoryWriter
from blackstart.loads.driving.control import Control, first, say
from blackstart.loads.driving.k6 import moved, since_boot_s, tell
from blackstart.loads.driving.k6_job_pods import JobPods, Logs
from blackstart.loads.driving.k6_pod import JsonObject
from blackstart.loads.driving.k6_said import Said
from blackstart.loads.driving.k6_thresholds import Union
from blackstart.loads.driving.redacting import redactor
from blackstart.loads.k6_pods import K6Pods
from blackstart.loads.summary import Driven, Threshold

_LEAD_S, _LEAD_PER_POD_S = 1.5, 0.1  # until every pod has heard when to begin
_HEARD_WITHIN_S, _ENDED_WITHIN_S = 6.0, 7.0  # together less than a run gives a load to end
_APART_S = 0.5


async def drive(load: K6Pods, spec_path: Path, history_path: Path, control: Control, share: object) -> None:
    """Play the script, and tell the parent what came of it."""
    mask, pods = redactor(()), JobPods(load)
    arming = asyncio.ensure_future(pods.armed())
    await first(asyncio.shield(arming), control.stopping.wait())
    if not arming.done():
        arming.cancel()
        raise ValueError("it was ended before it was ready")
    told = arming.result()
    refuse_own_segment(told.values())
    refuse_other_clocks(told)
    say("ready", kind=load.kind, worker=f"{load.name}/0", unreachable=[])
    with HistoryWriter(history_path, mask) as writer:
        at_s = await control.go()
        if at_s is None:
            driven = Driven(stopped=True, reasons=("it was ended before it began",))
        else:
            driven = await _Run(load, pods, told, writer, control, mask).play(at_s)
    tell(load, history_path, driven)


def refuse_own_segment(told: Iterable[JsonObject]) -> None:
    """Raise ValueError where the script sets the share that it plays by itself: all pods would play the same."""
    if any(one.get("segment") for one in told):
        raise ValueError("the script sets executionSegment itself, and every pod would play that one: take it out")


def refuse_other_clocks(told: Mapping[str, JsonObject]) -> None:
    """Raise ValueError where a pod's clock is not this machine's, by which the rows of all are put in order."""
    found = []
    for name, one in told.items():
        told_s = one["now_ms"] / 1000
        off_s = max(one["sent_s"] - told_s, told_s - one["back_s"])
        if off_s > _APART_S:
            found.append(f"{name} by {shown(off_s)}")
    if found:
        raise ValueError(
            f"the clocks of pods are off this machine's ({', '.join(found)}), and when they sent what would not be "
            "known: set the clocks of their nodes, or this one, by a time server"
        )


class _Run:
    def __init__(
        self, load: K6Pods, pods: JobPods, told: Mapping[str, JsonObject], writer: HistoryWriter, control: Control,
        mask: Callable[[str], str],
    ) -> None:  # fmt: skip
        self.load, self.pods, self.writer, self.control, self.mask = load, pods, writer, control, mask
        self.reasons: list[str] = []
        thresholds = next(iter(told.values())).get("thresholds") or {}
        self.union = Union(thresholds)
        self.said = {name: Said(load.k6, since_boot_s, index, self.union) for name, index in pods.index.items()}

    async def play(self, at_s: float) -> Driven:
        """From the common start to the last word of the last pod."""
        epoch_s, stopped = since_boot_s(0.0), False
        async with self.pods.logs() as logs:
            reading = asyncio.ensure_future(self._read(logs))
            begin_s = await self._begin(at_s)
            watching = asyncio.ensure_future(self.pods.lost())
            await first(asyncio.shield(reading), asyncio.shield(watching), self.control.stopping.wait())
            stopped = self.control.stopping.is_set()
            lost = watching.result() if watching.done() else {}
            watching.cancel()
            unheard = ""
            if not reading.done():
                unheard = await self._end(lost)
                await first(asyncio.shield(reading), self.control.aborting.wait(), asyncio.sleep(_ENDED_WITHIN_S))
            lasted_s = now_s() - begin_s
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
        ended = lost if stopped or lost else await self.pods.ended()
        # Where k6 ends at once, and its pod with it, nothing is left that could answer: its last word tells.
        if unheard and not all(self.said[name].summary for name in self.pods.index):
            self.reasons.append(f"the pods did not all end when they were told to: {unheard}")
        self.reasons += self.control.why_ended()
        self.reasons += [f"the pod {name}, one of {self.load.pods}, was lost: it {why}" for name, why in ended.items()]
        for name, said in self.said.items():
            self.reasons += said.reasons(name) if name not in ended else ()
        self.reasons += moved(since_boot_s(0.0) - epoch_s)
        every = self.said.values()
        return Driven(
            lasted_s=lasted_s,
            stopped=stopped,
            reasons=tuple(self.reasons),
            thresholds=self._thresholds(),
            dropped_iterations=sum(said.rows.dropped_iterations for said in every),
        )

    async def _begin(self, at_s: float) -> float:
        """When it begins: then, or as soon as every pod can have heard of it."""
        begin_s = max(at_s, now_s() + _LEAD_S + _LEAD_PER_POD_S * self.load.pods)
        try:
            lead_s = begin_s - now_s()
            told = await self.pods.gate(lead_s + _HEARD_WITHIN_S, time.time() + lead_s, paused=False)
        except StepFailed as error:
            self.reasons.append(f"the pods did not all begin: {error}")
            return begin_s
        apart_s = (max(one["now_ms"] for one in told.values()) - min(one["now_ms"] for one in told.values())) / 1000
        if apart_s > _APART_S:
            self.reasons.append(f"the pods did not begin at one time, but {shown(apart_s)} apart")
        return begin_s

    async def _end(self, lost: Mapping[str, str]) -> str:
        """Have those that play stop, and say what they have counted; who did not answer to that, "" for nobody."""
        over = [name for name, said in self.said.items() if said.summary]
        for name in {*lost, *over}:
            del self.pods.index[name]
        try:
            await self.pods.gate(_HEARD_WITHIN_S, stopped=True)
        except StepFailed as error:
            return str(error)
        return ""

    def _thresholds(self) -> tuple[Threshold, ...]:
        summaries = [said.summary for said in self.said.values() if said.summary]
        types = {name: kind for one in summaries for name, kind in one["types"].items()}
        return self.union.thresholds(types, max((one["lasted_s"] for one in summaries), default=0.0))

    async def _read(self, logs: Logs) -> None:
        async for name, line in logs.lines():
            if name not in self.said:
                continue
            known, row = self.said[name].feed(line)
            if row is not None:
                self.writer.append(row)
            if not known:
                say_error(self.mask(f"{name}: {line}"))
