"""(c) What listing costs beside a file with one task, and (d) how long the lab takes to come up."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.drilling import place
from benchmarks.drilling.place import INVOKE, ROOT, now_s

_ONE_TASK = '''from invoke import task


@task
def only(c):
    """The only one."""
'''


def listing(rounds: int) -> list[tuple[str, str, str, str]]:
    """`invoke --list` here and beside a one-task file, in turns, so that a busy machine disturbs both alike."""
    times_s: dict[str, list[float]] = {"ours": [], "one task": []}
    with tempfile.TemporaryDirectory(prefix="bs-bench-") as folder:
        (Path(folder) / "tasks.py").write_text(_ONE_TASK, encoding="utf-8")
        for number in range(rounds + 1):
            for name, where in (("ours", ROOT), ("one task", Path(folder))):
                took_s = _list(where)
                if number:  # the first of each only warms the caches
                    times_s[name].append(took_s)
    ours, one = median(times_s["ours"]), median(times_s["one task"])
    return [("(c) invoke --list", f"{ours / one:.2f} times", f"{ours * 1000:.0f} ms to {one * 1000:.0f} ms", "<= 1.5")]


def yardstick() -> float:
    """The wall time of `invoke --list` beside a file with one task: what this machine takes for a start, just now."""
    with tempfile.TemporaryDirectory(prefix="bs-bench-") as folder:
        (Path(folder) / "tasks.py").write_text(_ONE_TASK, encoding="utf-8")
        return _list(Path(folder))


def _list(where: Path) -> float:
    began_s = now_s()
    subprocess.run([INVOKE, "--list"], cwd=where, stdout=subprocess.DEVNULL, timeout=60, check=True)
    return now_s() - began_s


def lab_up(rounds: int) -> list[tuple[str, str, str, str]]:
    """`invoke lab.up trader` in a new state folder, and again after `lab.down` in the same one."""
    first_s, later_s = [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="bs-bench-") as folder:
            state = Path(folder)
            for times_s in (first_s, later_s):
                try:
                    times_s.append(place.bring(state, "up", "trader"))
                finally:
                    place.bring(state, "down")
    first, later = median(first_s), median(later_s)
    return [
        ("(d) lab.up, new state folder", f"{first:.2f} s", f"slowest {max(first_s):.2f} s", "<= 5 s"),
        ("(d) lab.up, later", f"{later:.2f} s", f"slowest {max(later_s):.2f} s; {later / first:.2f} times", "<= 3 s"),
    ]
