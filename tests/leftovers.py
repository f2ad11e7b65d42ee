"""Nothing that tests start outlives them: what is still there is ended, and named.

A test's processes are known by what they inherit, a mark in their environment. A server that writes a title over its
environment is known by its folder, and what was given no environment by its parent. Only what began meanwhile counts,
so that the servers of a module or of a session are its fixtures' business until the session ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from pathlib import Path

import pytest
from benchmarks.campaign.facts import parent_of, pids, words_of

MARK = "BLACKSTART_TESTS"
KEPT: set[int] = set()
"""What a fixture of a module has started again within a test: it may outlive that test."""
_GRACE_S = 10.0  # for what ends by itself: guardians, and steps whose runner was killed


class Watch:
    """What has begun since then under a mark, in a folder, or as a child of ours. No /proc, nothing seen."""

    def __init__(self, mark: str, folder: Path) -> None:
        self._mark, self._folder = f"{MARK}={mark}".encode(), f"{folder}/"
        self._before = set(_all())

    def left(self) -> dict[int, str]:
        """What is still there: command lines by pid."""
        known = self._before | KEPT
        found = {pid: " ".join(words_of(pid)) for pid in _all() if pid not in known and self._ours(pid)}
        # A zombie has none; Python's own helper of this process ends with it.
        return {pid: line for pid, line in found.items() if line and "multiprocessing.resource_tracker" not in line}

    def end_what_is_left(self) -> list[str]:
        """Wait for what ends by itself, end the rest, and say what that was."""
        end = time.monotonic() + _GRACE_S
        while (found := self.left()) and time.monotonic() < end:
            time.sleep(0.05)
        ended: dict[int, str] = {}
        while found:
            ended |= found
            for one in (signal.SIGSTOP, signal.SIGKILL):  # stopped first: a tree that breeds would get away
                for pid in found:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, one)
            found = {pid: line for pid, line in self.left().items() if time.monotonic() < end + _GRACE_S}
        return [f"{pid} {line}"[:200] for pid, line in ended.items()]

    def _ours(self, pid: int) -> bool:
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            if any(word == self._mark or word.startswith(self._mark + b".") for word in words):
                return True
            if (os.readlink(f"/proc/{pid}/cwd") + "/").startswith(self._folder):
                return True
            return parent_of(pid) == os.getpid() and not any(word.startswith(MARK.encode()) for word in words)
        return False


def _all() -> list[int]:
    return pids() if os.path.isdir("/proc/self") else []


def begin(config: pytest.Config) -> None:
    """Mark this session; a worker's is its controller's, one within a test is a part of that test."""
    if not hasattr(config, "workerinput"):
        os.environ[MARK] = ".".join(filter(None, (os.environ.get(MARK), uuid.uuid4().hex[:8])))


def of_session(folder: Path) -> Watch:
    """What the whole session left, its workers' tests among it: asked for at its end."""
    watch = Watch(os.environ[MARK], folder)
    watch._before = {os.getpid()}
    return watch
