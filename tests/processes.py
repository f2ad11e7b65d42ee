"""What runs on this machine for one test: told by its state folder, which no other test has.

A run's name is no mark: two tests that begin a run in the same second have runs of the same name.
"""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from benchmarks.campaign.facts import interruptible, marked, words_of

__all__ = ["end", "guardians", "interruptible", "running", "words_of"]


def running(module: str, state: Path | None = None) -> dict[int, list[str]]:
    """The command lines, by pid, of the processes of a module with that state folder, by default this test's own."""
    found = {pid: words_of(pid) for pid in marked(f"BLACKSTART_STATE={state or os.environ['BLACKSTART_STATE']}")}
    return {pid: words for pid, words in found.items() if module in words}


def guardians(state: Path | None = None, run: str = "") -> list[int]:
    """The guardians of the runs with that state folder, by default this test's own; of one run, where it is named."""
    found = running("blackstart.safety.guardian", state)
    return sorted(pid for pid, words in found.items() if not run or words[-1] == run)


def end(pids: list[int]) -> None:
    """Kill them. One that has ended by itself since it was seen is no trouble."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
