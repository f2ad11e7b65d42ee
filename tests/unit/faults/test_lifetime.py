"""How long a process lives that holds a fault: no longer than its time, and no longer than its run."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from blackstart.faults._lifetime import Lifetime, announced
from blackstart.safety.processes.identity import myself, started


def brief(pid: int, longest_s: float = 600.0) -> dict[str, object]:
    return {"pid": pid, "started": started(pid), "longest_s": longest_s}


def test_its_time_ends_it_although_the_run_goes_on() -> None:
    began_s = time.monotonic()
    lifetime = Lifetime(brief(myself().pid, 0.05))
    assert lifetime.over(300) and time.monotonic() - began_s < 100
    assert lifetime.over() and lifetime.runner_lives()
    assert not Lifetime(brief(myself().pid)).over()


def test_the_end_of_the_run_ends_it_before_its_time() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as run:
        lifetime = Lifetime(brief(run.pid))
        assert not lifetime.over(0.01)
        run.kill()
        began_s = time.monotonic()
        assert lifetime.over(300) and time.monotonic() - began_s < 100
    assert not lifetime.runner_lives() and lifetime.over()
    assert Lifetime({"pid": myself().pid, "started": "another", "longest_s": 600}).over()


def test_the_pid_stands_in_the_file_as_long_as_something_is_held(tmp_path: Path) -> None:
    path = tmp_path / "holders" / "postgres.pid"
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    with announced(str(path)):
        assert path.read_text() == f"{myself().pid}\n"
    for one, handler in before.items():
        signal.signal(one, handler)
    assert list(path.parent.iterdir()) == []
