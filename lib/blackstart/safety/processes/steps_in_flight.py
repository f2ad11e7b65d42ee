"""Steps of a dead run that are still being carried out: an undo must wait for them, or it comes too early.

A child of a run outlives it, since it has a session of its own. Children that the run told of are known by pid and
start time. One that was born in the instant of the run's death is found by what it executes (Linux only): the same
words as a step of a change that was being made, in a session of its own, younger than the beginning of that change.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from blackstart.base import clock
from blackstart.controls.steps.shell import remote_line
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Note
from blackstart.model.change import Change
from blackstart.model.step import Command, Step
from blackstart.safety.processes.identity import Process, started

_LOOK_EVERY_S = 0.02
_EXECUTES_WITHIN_S = 1.0  # between fork and exec a child still looks like its parent
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Beginning:
    """A change that was being made: what it is, and since when (`clock.now_s()`)."""

    change: Change
    at_s: float


def words_of(pid: int) -> list[str]:
    """The command line of a process; empty where it has none or can't be seen."""
    try:
        return [word.decode("utf-8", "replace") for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]]
    except OSError:
        return []


def settle(beginnings: Collection[Beginning], told: Collection[Process], runner_words: list[str], note: Note) -> bool:
    """Wait until nothing of these changes is under way any more; past a step's own time limit it is ended.

    Returns whether one was ended: what it asked for may still come (`blackstart.safety.heal.restore.outlasts`).
    """
    if not beginnings:
        return False
    steps = [step for beginning in beginnings for step in beginning.change.do]
    since_s = min(beginning.at_s for beginning in beginnings)
    limit_s = sum(step.timeout_s for step in steps)
    lasting = [step for step in steps if isinstance(step, Command) and step.detach]
    brief = [step for step in steps if step not in lasting]

    def under_way() -> list[int]:
        known = [one.pid for one in told if one.alive() and not any(executes(words_of(one.pid), s) for s in lasting)]
        return known + [pid for pid in _found(brief, since_s) if pid not in known]

    def newborn() -> list[int]:
        # In the midst of its exec a child has no words at all: its parent is told of success before they are there.
        return [pid for pid in _young(since_s) if words_of(pid) in ([], runner_words)]

    _wait(newborn, clock.now_s() + _EXECUTES_WITHIN_S)
    waited_for = under_way()
    if not waited_for:
        return False
    note(EventName.WAITING_FOR_STEP, pids=waited_for)
    _wait(under_way, max(since_s + limit_s, clock.now_s() + _EXECUTES_WITHIN_S))
    too_long = under_way()
    for pid in too_long:
        note(EventName.ENDING_STEP, pid=pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    note(EventName.NO_STEP, pids=under_way())
    return bool(too_long)


def executes(words: list[str], step: Step) -> bool:
    """Whether a process with this command line carries out this step. A script's interpreter may stand before it."""
    if not isinstance(step, Command) or not words:
        return False
    if step.host:
        return os.path.basename(words[0]) == "ssh" and words[-1].endswith(remote_line(step))
    arguments = list(step.argv[1:])
    head = words[: len(words) - len(arguments)]
    same = words[len(head) :] == arguments
    return same and os.path.basename(step.argv[0]) in [os.path.basename(word) for word in head]


def _found(steps: Collection[Step], since_s: float) -> list[int]:
    return [pid for pid in _young(since_s) if any(executes(words_of(pid), step) for step in steps)]


def _young(since_s: float) -> list[int]:
    """Leaders of sessions that began no earlier than that."""
    try:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return []
    return [pid for pid in pids if _leads(pid) and (_born_s(pid) or 0.0) >= since_s - 2 / _TICKS_PER_S]


def _leads(pid: int) -> bool:
    try:
        return os.getsid(pid) == pid
    except OSError:
        return False


def _born_s(pid: int) -> float | None:
    mark = started(pid)
    return int(mark) / _TICKS_PER_S if mark and mark.isdigit() else None


def _wait(still: Callable[[], list[int]], until_s: float) -> None:
    while still() and clock.now_s() < until_s:
        time.sleep(_LOOK_EVERY_S)
