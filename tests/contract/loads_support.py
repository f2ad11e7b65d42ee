"""What the contract tests of loads share: a real server in a child process, and a load played to its end."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blackstart.evidence.history import History, Row, read
from blackstart.loads import Load, Summary
from blackstart.loads.runner import LoadHandle

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Server:
    """The server of `tests.contract.load_server`."""

    url: str
    pid: int

    def seen(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.url}/seen", timeout=5) as answer:
            return dict(json.load(answer))


@contextmanager
def load_server(host: str = "127.0.0.1") -> Iterator[Server]:
    argv = [sys.executable, "-m", "tests.contract.load_server", host]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        try:
            yield Server(f"http://{host}:{port}", process.pid)
        finally:
            process.kill()


def by_key(history: History) -> dict[str, list[Row]]:
    """The attempts of each key, in order; rows without a key are left out."""
    found: dict[str, list[Row]] = {}
    for row in history.rows:
        if row.key:
            found.setdefault(row.key, []).append(row)
    return found


def fates(history: History) -> dict[str, str]:
    """What is known of each key."""
    return dict(history.ask(f"select key, fate from {history.fates}"))


def played(load: Load, history_path: Path, timeout_s: float = 60.0) -> tuple[Summary, History]:
    """The load from start to its own end."""
    runner = LoadHandle.start(load, history_path)
    try:
        runner.wait_ready(20)
        runner.go()
        summary = runner.wait(timeout_s)
        assert summary is not None, "the load did not end"
    finally:
        runner.stop(1)
    return summary, read(history_path)


def until(fact: Callable[[], bool], what: str, within_s: float = 20.0) -> None:
    """Poll for a fact; an AssertionError names what did not come true."""
    deadline = time.monotonic() + within_s
    while not fact():
        assert time.monotonic() < deadline, f"waited {within_s} s for {what}"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
