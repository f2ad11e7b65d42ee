"""Finds and ends the processes of a lab by what they carry, never by their names."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

from blackstart_lab.workspace import MARKER, Workspace

_POLL_S = 0.02
_READLINK, _TOLD_WITHIN_S = "/usr/bin/readlink", 2.0


def of(workspace: Workspace) -> list[psutil.Process]:
    """Every process that was started for this lab, and their children.

    A process belongs to the lab when its environment says so. PostgreSQL's backends overwrite theirs with a title, so
    they are found as children, or, where the parent was killed, by working in the lab's own database folder.
    """
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        if process.pid != os.getpid() and _belongs(process, workspace):
            with contextlib.suppress(psutil.Error):
                for member in (process, *process.children(recursive=True)):
                    found[member.pid] = member
    return [process for process in found.values() if _lives(process)]


def _belongs(process: psutil.Process, workspace: Workspace) -> bool:
    try:
        if process.environ().get(MARKER) == str(workspace.folder):
            return True
    except (psutil.Error, OSError):
        pass  # another user's process, or one that has just ended: asked for its folder below
    try:
        return process.name().startswith("postgres") and Path(_works_in(process)) in _data_folders(workspace)
    except (psutil.Error, OSError):
        return False


def _works_in(process: psutil.Process) -> str:
    """Its folder; as its user sees it where we may not: root of a container is refused it (it lacks CAP_SYS_PTRACE),
    and PostgreSQL never runs as root. "" where nobody may. Raises psutil.Error."""
    try:
        return str(process.cwd())
    except psutil.AccessDenied:
        if os.geteuid() != 0:
            raise
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):  # nothing of root's goes with it
        told = subprocess.run(
            (_READLINK, f"/proc/{process.pid}/cwd"), user=process.uids().real, group=process.gids().real,
            extra_groups=(), env={}, stdin=subprocess.DEVNULL, capture_output=True, text=True, start_new_session=True,
            timeout=_TOLD_WITHIN_S, check=False,
        )  # fmt: skip
        return told.stdout.strip().removesuffix(" (deleted)")
    return ""


def _data_folders(workspace: Workspace) -> tuple[Path, ...]:
    return tuple(home / "postgres" / "data" for home in (workspace.folder, workspace.outside))


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wake(members: Iterable[psutil.Process]) -> None:
    """Let frozen processes run on, so that they can hear that they should end."""
    for process in members:
        with contextlib.suppress(psutil.Error):
            process.resume()


def wait_gone(members: Iterable[psutil.Process], within_s: float) -> list[psutil.Process]:
    """Those that are still there after `within_s`."""
    deadline = time.monotonic() + within_s
    left = [process for process in members if _lives(process)]
    while left and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        left = [process for process in left if _lives(process)]
    return left


def end(members: Iterable[psutil.Process], within_s: float = 5.0) -> list[psutil.Process]:
    """Interrupt, then kill; returns those that survived even that. psutil compares start times before it signals.

    An interrupt ends all programs of a lab quickly; on SIGTERM PostgreSQL would wait for its clients to leave.
    """
    left = list(members)
    wake(left)
    for number in (signal.SIGINT, signal.SIGKILL):
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)
        left = wait_gone(left, within_s)
    return left
