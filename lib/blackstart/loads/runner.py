"""A load in a process of its own, seen from the one that started it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import blackstart
from blackstart.base.codec import to_data
from blackstart.base.errors import Damaged, StepFailed, StepTimedOut
from blackstart.base.scheduling_lag import LagSample
from blackstart.evidence import history
from blackstart.loads.load import Load
from blackstart.loads.summary import Driven, Summary, summarise

_TERM_S = 2.0
_LAST_LINES = 5
_HANDLES = "/dev/fd"


class LoadHandle:
    """Starts `python -m blackstart.loads` in a session of its own, and talks with it. Not for several threads.

    Its messages go to the log. When this process dies the load ends by itself.
    """

    def __init__(
        self, load: Load, process: subprocess.Popen[bytes], history_path: Path, log: Path, spec_path: Path
    ) -> None:
        self.name, self.kind = load.name, load.kind
        self.history_path = history_path
        self.log_path = log
        self._spec_path = spec_path
        self.ready: dict[str, Any] | None = None
        self._summary: Summary | None = None
        self._refused = ""
        self.on_stall: Callable[[LagSample], object] = lambda sample: None  # called in a thread of ours
        self._process = process
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @classmethod
    def start(cls, load: Load, history_path: Path, log_path: Path | None = None) -> Self:
        """Start the process; it connects and waits for the go. Raises StepFailed where it can't be started."""
        log = log_path or history_path.with_suffix(".log")
        log.parent.mkdir(parents=True, exist_ok=True)
        history_path.parent.mkdir(parents=True, exist_ok=True)
        spec_path, handed = _hand_over(json.dumps(to_data(load)))
        argv = [sys.executable, "-m", "blackstart.loads", str(spec_path), str(history_path)]
        here = str(Path(blackstart.__file__).resolve().parents[1])
        path = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
        try:
            with log.open("ab") as messages:
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=messages,
                    start_new_session=True,
                    pass_fds=handed,
                    env={**os.environ, "PYTHONPATH": path},
                )
        except OSError as error:
            _take_back(spec_path)
            raise StepFailed(f"the load can't be started ({argv[0]}): {error}") from error
        finally:
            for handle in handed:
                os.close(handle)
        return cls(load, process, history_path, log, spec_path)

    @property
    def pid(self) -> int:
        """The process that plays the load."""
        return self._process.pid

    def wait_ready(self, timeout_s: float = 10.0) -> dict[str, Any]:
        """Wait until it is armed; the facts say what address did not answer. Raises StepFailed or StepTimedOut."""
        with self._changed:
            self._changed.wait_for(lambda: self.ready or self._refused or not self._reader.is_alive(), timeout_s)
        if self.ready:
            return self.ready
        if self._refused:
            raise StepFailed(f"the load was refused: {self._refused}")
        if self._process.poll() is not None or not self._reader.is_alive():
            raise StepFailed(f"the load ended before it was ready: {self.last_words()}")
        raise StepTimedOut(f"the load was not ready in time; its messages are in {self.log_path}")

    def go(self, at_s: float | None = None) -> None:
        """Let it begin, now or at a time of `clock.now_s()`. Raises StepFailed where it has ended."""
        if not self._tell("go\n" if at_s is None else f"go {at_s:.6f}\n"):
            raise StepFailed(f"the load has ended before it began: {self.last_words()}")

    def poll(self) -> int | None:
        """The exit code of a load that has ended, else None."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> Summary | None:
        """The summary of a load that ends by itself within that time, else None."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
            return self._final()
        return None

    def stop(self, timeout_s: float = 10.0) -> Summary:
        """Send no more, wait for what is in flight, and end. A load that does not end in time is ended harder.

        Never raises for what the load did: a load that died has a summary that says so and is not complete.
        """
        self._tell("stop\n")
        for signum, wait_s in ((None, timeout_s), (signal.SIGTERM, _TERM_S), (signal.SIGKILL, _TERM_S)):
            if signum is not None:
                self._signal(signum)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(wait_s)
                break
        return self._final()

    def last_words(self) -> str:
        """Its exit code and the last lines of its log, for messages."""
        code = self._process.poll()
        said = self.log_path.read_text("utf-8", "replace").splitlines() if self.log_path.exists() else []
        lines = [line.strip() for line in said if line.strip()][-_LAST_LINES:]
        return "; ".join([f"exit code {code}" if code is not None else "still running", *lines])

    def _final(self) -> Summary:
        self._reader.join(_TERM_S)
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        if self._summary is None:
            why = self._refused or self.last_words()
            reason = f"the load died without a summary ({why})"
            driven = Driven(reasons=(reason,), exit_code=self._process.poll())
            try:
                record = history.read(self.history_path)
            except Damaged:
                record = history.none()
            self._summary = summarise(self.name, self.kind, record, driven)
        return self._summary

    def _tell(self, line: str) -> bool:
        assert self._process.stdin
        try:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    def _signal(self, signum: int) -> None:
        if self._process.poll() is None:  # not reaped yet: the number is still its own
            os.killpg(self._process.pid, signum)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            _take_back(self._spec_path)  # it has been read, by the workers too, before anything is said
            try:
                facts = json.loads(line)
                event = facts.pop("event")
                stall = LagSample(*facts["sample"]) if event == "stalled" else None
            except (ValueError, KeyError, AttributeError, TypeError):
                continue  # not ours: a user's script may print
            if stall is not None:
                self.on_stall(stall)
            with self._changed:
                if event == "ready":
                    self.ready = facts
                elif event == "summary":
                    self._summary = Summary.from_data(facts)
                elif event == "refused":
                    self._refused = str(facts.get("message"))
                self._changed.notify_all()
        _take_back(self._spec_path)
        with self._changed:
            self._changed.notify_all()


def _hand_over(spec: str) -> tuple[Path, tuple[int, ...]]:
    """Where the load's process finds its spec, and the handles that it must inherit for it.

    Not in the evidence, since a target's headers may hold a secret; in memory where there is such a thing, so that
    nothing is left of it whoever is killed; else in a file that is gone as soon as it has been read.
    """
    if hasattr(os, "memfd_create"):
        handle = os.memfd_create("blackstart-load")
        with open(handle, "w", encoding="utf-8", closefd=False) as memory:
            memory.write(spec)
        return Path(f"{_HANDLES}/{handle}"), (handle,)
    with tempfile.NamedTemporaryFile("w", prefix="blackstart-load-", suffix=".json", delete=False) as file:
        file.write(spec)
    return Path(file.name), ()


def _take_back(spec_path: Path) -> None:
    if str(spec_path.parent) != _HANDLES:
        spec_path.unlink(missing_ok=True)
