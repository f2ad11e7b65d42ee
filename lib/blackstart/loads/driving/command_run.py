"""One run of a program for one request, from its start to its row."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
from concurrent.futures import Executor

from blackstart.base.clock import now_s
from blackstart.base.errors import BlackstartError, StepFailed, StepTimedOut
from blackstart.base.secrets.env import secret
from blackstart.controls.steps.local import run
from blackstart.controls.steps.outcome import last_line
from blackstart.controls.steps.shell import remote_line
from blackstart.controls.steps.ssh import ssh_machine
from blackstart.evidence.history import GIVEN_UP, LONGEST_DETAIL, Outcome, Row
from blackstart.loads.commands import Commands
from blackstart.loads.driving.sender import Done
from blackstart.loads.template import Template
from blackstart.model.step import Command


class Program:
    """What is run for each request of a load, and what its end means."""

    def __init__(self, load: Commands) -> None:
        self.name = load.op
        self._load = load
        self._words = [Template(word) for word in load.argv]

    def command(self, key: str, n: int) -> Command:
        """Request number `n`; what chance decides depends on the seed and n alone, so that a retry is the same."""
        load = self._load
        dice = random.Random(f"{load.seed}/{load.op}/{n}")
        words = tuple(word.fill(key, n, dice) for word in self._words)
        env = {**load.env, load.key_env: key}
        codes = (*load.ok_codes, *load.fail_codes)
        return Command(words, host=load.host or None, timeout_s=load.timeout_s, env=env, ok_codes=codes)

    def check(self) -> None:
        """Raise a BlackstartError where it can't be run at all: no such program, host, key or variable."""
        step = self.command("check", 0)
        if step.host:
            remote_line(step)
            ssh_machine(step.host)
            return
        env = {**os.environ, **{name: secret(value) for name, value in step.env.items()}}
        if shutil.which(step.argv[0], path=env.get("PATH")) is None:
            raise StepFailed(f"{step.argv[0]}: no such program on this machine, or it may not be run")

    def outcome(self, code: int) -> Outcome:
        """What an exit code says about the request's fate."""
        return "ok" if code in self._load.ok_codes else "fail" if code in self._load.fail_codes else "info"

    @property
    def where(self) -> str:
        """The machine it runs on."""
        return self._load.host or "this machine"


class Job:
    """Ends exactly once for each time it is made, with a row, whatever happens: an exit, its time limit, a cut."""

    def __init__(self, op: Program, key: str, number: int, worker: str, done: Done, threads: Executor) -> None:
        self.op, self.key, self.worker = op, key, worker
        self.tries = 0
        self._step = op.command(key, number)
        self._done, self._threads = done, threads
        self._loop = asyncio.get_running_loop()
        self._pid: int | None = None
        self._start_s: float | None = None
        self._intended_s = 0.0
        self._cut = False

    def go(self, intended_s: float) -> None:
        """Run it (again): the same key, the same words."""
        self.tries += 1
        self._intended_s, self._start_s, self._pid = intended_s, None, None
        self._threads.submit(self._run)

    def cut(self) -> None:
        """End it now: its fate stays unknown."""
        self._cut = True
        self._kill()
        self._done(self, self._row(self._start_s or now_s(), now_s(), "info", "cut: the load had to end"))

    def _ended(self, row: Row) -> None:
        if not self._cut:
            self._done(self, row)

    # ------------------------------------------------ in a thread of its own

    def _run(self) -> None:
        outcome, detail = self._come_to()
        row = self._row(self._start_s, None if self._start_s is None else now_s(), outcome, detail)
        with contextlib.suppress(RuntimeError):  # the loop is closed: the load is over
            self._loop.call_soon_threadsafe(self._ended, row)

    def _come_to(self) -> tuple[Outcome, str]:
        try:
            came = run(self._step, self._started)
        except StepTimedOut:
            return "info", f"{GIVEN_UP}{self._step.timeout_s:g} s"
        except BlackstartError as error:
            why = str(error).splitlines()[0]
            return ("info", why) if self._start_s is not None else ("fail", f"unsent: {why}")
        outcome = self.op.outcome(came.code)
        said = last_line(came.stderr) or last_line(came.stdout)
        return outcome, "" if outcome == "ok" else f"exit code {came.code}{f': {said}' if said else ''}"

    def _row(self, start_s: float | None, end_s: float | None, outcome: Outcome, detail: str) -> Row:
        return Row(
            self.op.name, self.key, self.tries, self._intended_s, start_s, end_s, outcome, None, self.op.where,
            detail[:LONGEST_DETAIL], self.worker,
        )  # fmt: skip

    def _started(self, pid: int) -> None:
        self._pid, self._start_s = pid, now_s()
        if self._cut:
            self._kill()

    def _kill(self) -> None:
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._pid, signal.SIGKILL)
