"""One k6 process: armed in its paused state, let go through its own API, ended by its own signal."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp

from blackstart.base import writer
from blackstart.base.secrets.env import secret
from blackstart.loads.driving.k6_thrown import Thrown
from blackstart.loads.k6 import ARGUMENTS, K6, KEEP_FROM_SENDING, VARIABLES, VARIABLES_SET
from blackstart.loads.summary import Threshold

_ARMED_WITHIN_S = 30.0
_ASK_EVERY_S = 0.05
_KILL_AFTER_S = 5.0
_LONGEST_LINE = 1 << 20


class K6Process:
    """A paused k6. Its messages pass through `mask` to stderr; `last_lines` keeps the newest.

    `thrown` are the iterations that an exception of the script ended.
    """

    def __init__(self, process: Process, address: str, summary: Path, mask: Callable[[str], str]) -> None:
        self.process = process
        self._address = address
        self._summary = summary
        self._mask = mask
        self.last_lines: deque[str] = deque(maxlen=3)
        self.thrown = Thrown()
        self._messages = asyncio.ensure_future(self._pass_on())

    @classmethod
    async def start(cls, load: K6, summary: Path, mask: Callable[[str], str] = str) -> Self:
        """Start it and wait until it is armed. Raises ValueError for a missing k6, a missing or a broken script."""
        binary = shutil.which(load.binary)
        if binary is None:
            raise ValueError(f"there is no {load.binary} on PATH: install it, as in `go install go.k6.io/k6@v1.3.0`")
        if not Path(load.script).is_file():
            raise ValueError(f"there is no k6 script {load.script}")
        if kept := [name for name in KEEP_FROM_SENDING if os.environ.get(name)]:
            raise ValueError(f"{' and '.join(kept)} of the environment would keep k6 from sending: unset it")
        address = f"127.0.0.1:{_free_port()}"
        summary.unlink(missing_ok=True)
        argv = [binary, "run", *ARGUMENTS, "--address", address, "--summary-export", str(summary)]
        environment = {
            **{name: value for name, value in os.environ.items() if name not in VARIABLES},
            # Not as `-e NAME=value`: everybody on the machine can read a command line.
            **{name: secret(value) for name, value in load.env.items()},
            **VARIABLES_SET,
        }
        process = await asyncio.create_subprocess_exec(
            *argv, *load.args, load.script, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=PIPE,
            env=environment, limit=_LONGEST_LINE,
        )  # fmt: skip
        armed = cls(process, address, summary, mask)
        await armed._wait_paused()
        return armed

    async def resume(self) -> None:
        """Let it run. Raises ValueError where it does not answer."""
        body = {"data": {"type": "status", "id": "default", "attributes": {"paused": False}}}
        try:
            async with (
                asyncio.timeout(_KILL_AFTER_S),
                aiohttp.ClientSession() as session,
                session.patch(f"http://{self._address}/v1/status", json=body) as answer,
            ):
                answer.raise_for_status()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise ValueError(f"k6 can't be resumed: {error}") from error

    def interrupt(self) -> None:
        """Ask it to end: it stops its users, flushes its rows and writes its summary."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)

    async def ended(self) -> int:
        """Its exit code. Only after its output has been read to the end."""
        code = await self.process.wait()
        await self._messages
        return code

    async def end(self) -> None:
        """Make sure that it is gone."""
        if self.process.returncode is None:
            self.interrupt()
            try:
                async with asyncio.timeout(_KILL_AFTER_S):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        await self._messages

    def thresholds(self) -> tuple[Threshold, ...] | None:
        """Each threshold of the script and whether it held; None where k6 wrote no summary."""
        try:
            metrics = json.loads(self._summary.read_text(encoding="utf-8"))["metrics"]
        except (OSError, ValueError, KeyError):
            return None
        # In k6's summary export `true` says that a threshold was crossed. One over nothing is not: k6 has it held.
        return tuple(
            Threshold(f"{metric}: {name}", not crossed, _sampled(facts))
            for metric, facts in sorted(metrics.items())
            for name, crossed in facts.get("thresholds", {}).items()
        )

    async def _wait_paused(self) -> None:
        try:
            async with asyncio.timeout(_ARMED_WITHIN_S), aiohttp.ClientSession() as session:
                while self.process.returncode is None:
                    with contextlib.suppress(aiohttp.ClientError, OSError):
                        async with session.get(f"http://{self._address}/v1/status") as answer:
                            if (await answer.json(content_type=None))["data"]["attributes"]["paused"]:
                                return
                    await asyncio.sleep(_ASK_EVERY_S)
        except TimeoutError:
            await self.end()
            raise ValueError(f"k6 was not ready within {_ARMED_WITHIN_S:g} s: {self._last()}") from None
        await self._messages
        raise ValueError(f"k6 ended with code {self.process.returncode} before it was ready: {self._last()}")

    async def _pass_on(self) -> None:
        assert self.process.stderr
        while line := await self.process.stderr.readline():
            text = self._mask(line.decode("utf-8", "replace").rstrip())
            self.last_lines.append(text)
            self.thrown.look(text)
            writer.error(text)

    def _last(self) -> str:
        return "; ".join(self.last_lines) or "it said nothing"


def _sampled(facts: Mapping[str, Any]) -> bool:
    """Whether that metric had a sample, as far as it can be told: k6 exports what had none as zeros."""
    if "passes" in facts:
        return bool(facts["passes"] or facts.get("fails"))
    # A counter or a gauge; of a counter that stands at zero, as one of errors should, no sample is an answer, too.
    return bool(facts.keys() & {"rate", "value"} or facts.get("count"))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
