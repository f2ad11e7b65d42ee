"""How long a process lives that holds a fault: until its time is over or the run that started it is gone, whatever
ended that. It says who it is in a pid file, so that the undo finds it.
"""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from blackstart.safety.processes import identity


class Lifetime:
    """Of the runner's `pid` and `started`, and `longest_s`, in a brief."""

    def __init__(self, brief: Mapping[str, Any]) -> None:
        self._pid, self._started = int(brief["pid"]), str(brief["started"])
        self._end_s = time.monotonic() + float(brief["longest_s"])
        self._poll = select.poll()
        with contextlib.suppress(AttributeError, OSError):  # no pidfd on this system: looked at with every wait
            self._poll.register(os.pidfd_open(self._pid), select.POLLIN)

    def over(self, wait_s: float = 0.0) -> bool:
        """Whether it is over, now or within `wait_s`."""
        left_s = max(0.0, min(wait_s, self._end_s - time.monotonic()))
        return bool(self._poll.poll(left_s * 1000)) or not self.runner_lives() or time.monotonic() >= self._end_s

    def runner_lives(self) -> bool:
        """Whether the process that asked for the fault is still there."""
        return identity.started(self._pid) == self._started


@contextlib.contextmanager
def announced(pidfile: str) -> Iterator[None]:
    """The pid stands in the file from before anything is done until all is taken back; signals end it in order."""
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, lambda number, frame: sys.exit(128 + number))
    path = Path(pidfile)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    mine = path.with_suffix(f".{os.getpid()}")
    mine.write_text(f"{os.getpid()}\n", encoding="ascii")
    mine.replace(path)  # before the first deed: nobody must have to look for us
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
