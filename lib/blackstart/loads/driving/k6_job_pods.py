"""The pods of a load's Job: waited for, told when to begin and to end, looked at, and their logs followed."""

import asyncio
import contextlib
import json
import os
import re
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from typing import Any

from blackstart.base.errors import BlackstartError, StepFailed
from blackstart.controls.steps.local import run
from blackstart.loads.driving import k6_pod
from blackstart.loads.driving.k6_pod import JsonObject
from blackstart.loads.k6_job import FOLDER, MARK
from blackstart.loads.k6_pods import K6Pods

ARMED_WITHIN_S = 90.0
_LOOK_EVERY_S = 0.5
_GATE_WITHIN_S = 20.0
_LONGEST_LINE = 1 << 20
_PREFIX = re.compile(r"\[pod/([^/\]]+)/k6\] ?(.*)", re.DOTALL)
_PAUSED_BEFORE_RUN = 4  # as k6's API numbers it: all its users are made, and it waits


class JobPods:
    """The pods of one Job, by their names; `index` says which share each plays."""

    def __init__(self, load: K6Pods) -> None:
        self.load = load
        self.index: dict[str, int] = {}

    async def armed(self) -> dict[str, JsonObject]:
        """Wait until each pod's k6 waits for its start; what each says of itself. Raises ValueError that says why not,
        StepFailed where the cluster can't be asked."""
        seen: Sequence[JsonObject] = ()
        try:
            async with asyncio.timeout(ARMED_WITHIN_S):
                while not self._complete(seen := await self._look()):
                    for pod in seen:
                        if why := k6_pod.hopeless(pod):
                            raise ValueError(f"the pod {k6_pod.name(pod)} can't be had: {why}{await self._said(pod)}")
                    await asyncio.sleep(_LOOK_EVERY_S)
                self.index = {k6_pod.name(pod): k6_pod.index(pod) for pod in seen}
                told = await self.gate()
                while any(one["was"]["status"] < _PAUSED_BEFORE_RUN for one in told.values()):
                    told = await self.gate()
        except TimeoutError:
            waits = {k6_pod.waits(pod) for pod in seen if not k6_pod.is_ready(pod)}
            ready = sum(map(k6_pod.is_ready, seen))
            why = "; ".join(sorted(filter(None, waits))) or f"kubectl describe job {self.load.job} may say why"
            raise ValueError(
                f"{ready} of {self.load.pods} pods were ready within {ARMED_WITHIN_S:g} s: {why}"
            ) from None
        return told

    async def gate(self, within_s: float = _GATE_WITHIN_S, at_s: float = 0.0, **wanted: bool) -> dict[str, JsonObject]:
        """Have each pod set its k6's state, at that time of the wall clock; what each says, by its name.

        Raises StepFailed with the words of those where it can't be done.
        """
        wish = ("-e", f"SET={json.dumps(wanted)}", "-e", f"AT_MS={at_s * 1000:.0f}") if wanted else ()
        words = (self.load.k6.binary, "run", "--quiet", "--no-usage-report", "--address=", *wish, f"{FOLDER}/gate.js")
        told = await asyncio.gather(
            *(self._inside(name, words, within_s) for name in self.index), return_exceptions=True
        )
        failed = [str(one) for one in told if isinstance(one, BaseException)]
        if failed:
            raise StepFailed("; ".join(failed))
        return {name: one for name, one in zip(self.index, told, strict=True) if not isinstance(one, BaseException)}

    async def lost(self) -> dict[str, str]:
        """Wait until a pod has ended that should not; why, by its name. A script that came to its end leaves its pod
        there to be seen."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            with contextlib.suppress(BlackstartError):  # what can't be seen is not lost
                if found := self.missed(await self._look()):
                    return found

    async def ended(self) -> dict[str, str]:
        """Why each pod that did not come to its end did not, by its name; as far as it can be seen."""
        try:
            return self.missed(await self._look())
        except BlackstartError as error:
            return dict.fromkeys(self.index, f"can't be seen ({error})")

    def missed(self, seen: Sequence[JsonObject]) -> dict[str, str]:
        """Of the pods that began, those that are not there or failed, and why."""
        there = {k6_pod.name(pod): k6_pod.lost(pod) for pod in seen}
        return {name: why for name in self.index if (why := there.get(name, "is gone"))}

    def _complete(self, seen: Sequence[JsonObject]) -> bool:
        return len(seen) == self.load.pods and all(map(k6_pod.is_ready, seen))

    async def _look(self) -> Sequence[JsonObject]:
        place = self.load.place
        return await asyncio.to_thread(lambda: place.api().list("pod", place.namespace, f"{MARK}={self.load.job}"))

    async def _said(self, pod: JsonObject) -> str:
        step = self.load.place.step("logs", k6_pod.name(pod), "--tail=3")
        with contextlib.suppress(StepFailed):
            said = (await asyncio.to_thread(run, step)).stdout.strip()
            return f": {said}" if said else ""
        return ""

    async def _inside(self, pod: str, words: Sequence[str], within_s: float) -> dict[str, Any]:
        sent_s = time.time()
        process = await self._kubectl("exec", pod, "--container=k6", "--", *words)
        try:
            async with asyncio.timeout(within_s):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise StepFailed(f"the pod {pod} did not answer within {within_s:.0f} s") from None
        try:
            told = json.loads(out)
            return {**told, "sent_s": sent_s, "back_s": time.time()}
        except (ValueError, TypeError):
            said = err.decode("utf-8", "replace").strip().splitlines()
            raise StepFailed(f"the pod {pod} did not obey: {said[-1] if said else 'it said nothing'}") from None

    @contextlib.asynccontextmanager
    async def logs(self) -> AsyncIterator["Logs"]:
        """All that the pods have said and say, until they have ended."""
        every = ("--follow", "--prefix", "--tail=-1", f"--max-log-requests={self.load.pods}", "--container=k6")
        process = await self._kubectl("logs", f"--selector={MARK}={self.load.job}", *every)
        try:
            yield Logs(process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def _kubectl(self, *words: str) -> Process:
        step = self.load.place.step(*words)
        env = {**os.environ, **step.env}
        return await asyncio.create_subprocess_exec(
            *step.argv, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=env, limit=_LONGEST_LINE
        )


class Logs:
    """`kubectl logs` of all pods, line by line."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def lines(self) -> AsyncIterator[tuple[str, str]]:
        """The pod's name and what it said."""
        assert self._process.stdout
        while line := await self._process.stdout.readline():
            if found := _PREFIX.fullmatch(line.decode("utf-8", "replace").rstrip("\r\n")):
                yield found[1], found[2]
