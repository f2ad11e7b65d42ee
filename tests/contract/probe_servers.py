"""The lab's real Redis, PostgreSQL and trader for the probes' contract tests, in a state folder of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from blackstart.commands.target_file import load
from blackstart.model.target import Target


def _lab(state: Path, *words: str) -> None:
    argv = [sys.executable, "-m", "blackstart_lab", *words]
    done = subprocess.run(
        argv,
        env={**os.environ, "BLACKSTART_STATE": str(state)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def trader_lab(state: Path, *words: str) -> Iterator[Target]:
    """The lab's trader, up while the block runs."""
    _lab(state, "up", "trader", *words)
    try:
        yield load(state / "labs" / "trader" / "target.toml")
    finally:
        _lab(state, "down", "trader")


def listener(address: str) -> psutil.Process:
    """The process that listens on a loopback address."""
    port = int(address.rpartition(":")[2])
    pids = {
        conn.pid
        for conn in psutil.net_connections("tcp")
        if conn.status == psutil.CONN_LISTEN and conn.laddr.port == port and conn.pid
    }
    # Workers that were forked hold the socket as well: the oldest is the server.
    found = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return min(found, key=lambda process: process.create_time())


@contextlib.contextmanager
def frozen(process: psutil.Process) -> Iterator[None]:
    """The process and its children, frozen while the block runs."""
    family = [process, *process.children(recursive=True)]
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.send_signal(signal.SIGCONT)


class Stopwatch:
    """Seconds since the block began."""

    def __enter__(self) -> Stopwatch:
        self._begun_s = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.monotonic() - self._begun_s
