"""What the contract tests of loads share: a real server in a child process, and a load played to its end."""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blackstart.history import History, read
from blackstart.loads import Load, Summary, to_spec
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
def load_server() -> Iterator[Server]:
    argv = [sys.executable, "-m", "tests.contract.load_server"]
    with subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        try:
            yield Server(f"http://127.0.0.1:{port}", process.pid)
        finally:
            process.kill()


def played(load: Load, history_path: Path, timeout_s: float = 60.0) -> tuple[Summary, History]:
    """The load from start to its own end."""
    runner = LoadHandle.start(to_spec(load), history_path)
    try:
        runner.wait_ready(20)
        runner.go()
        summary = runner.wait(timeout_s)
        assert summary is not None, "the load did not end"
    finally:
        runner.stop(1)
    return summary, read(history_path)
