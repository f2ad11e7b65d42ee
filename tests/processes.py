"""What runs on this machine for one test: told by its state folder, which no other test has.

A run's name is no mark: two tests that begin a run in the same second have runs of the same name.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def words_of(pid: int) -> list[str]:
    """A process's command line; empty where it has none any more, or is a zombie."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")[:-1]
    except OSError:
        return []


def state_of(pid: int) -> str:
    """The state folder that a process was started with; empty where it has none, or can't be seen."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    mark = b"BLACKSTART_STATE="
    return next((os.fsdecode(one[len(mark) :]) for one in variables if one.startswith(mark)), "")


def running(module: str, state: Path | None = None) -> dict[int, list[str]]:
    """The command lines, by pid, of the processes of a module with that state folder, by default this test's own."""
    of_state = str(state or os.environ["BLACKSTART_STATE"])
    found = {int(name): words_of(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    return {pid: words for pid, words in found.items() if module in words and state_of(pid) == of_state}


def guardians(state: Path | None = None, run: str = "") -> list[int]:
    """The guardians of the runs with that state folder, by default this test's own; of one run, where it is named."""
    found = running("blackstart.safety.guard", state)
    return sorted(pid for pid, words in found.items() if not run or words[-1] == run)


def end(pids: list[int]) -> None:
    """Kill them. One that has ended by itself since it was seen is no trouble."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
