"""Uses up processor time or memory, as a program of its own that needs nothing but Python:

    python _stressor.py cpu RECORD SECONDS WORKERS LOAD CPUS
    python _stressor.py memory RECORD SECONDS MB MARGIN_MB

It ends by itself, whoever else is dead: after SECONDS, when its RECORD is gone (who has lost that could not find it any
more), when the process that made a worker is dead, and when the machine has less than MARGIN_MB of memory left.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable

_SLICE_S = 0.1
_CHUNK_MB = 32
_MB = 1024 * 1024


def cpu(over: Callable[[], bool], workers: int, load: float, cpus: str) -> int:
    """Be busy for `load` of each slice of time, in each of the workers; `cpus` are those that may be used."""
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, map(int, cpus.split(",")))
    parent = os.getpid()
    if any(os.fork() == 0 for _ in range(workers - 1)):
        _burn(lambda: over() or os.getppid() != parent, load)
        os._exit(0)
    _burn(over, load)
    return 0


def _burn(over: Callable[[], bool], load: float) -> None:
    while not over():
        began_s = time.monotonic()
        while time.monotonic() - began_s < load * _SLICE_S:
            pass
        time.sleep(max(0.0, began_s + _SLICE_S - time.monotonic()))


def memory(over: Callable[[], bool], mb: int, margin_mb: int) -> int | str:
    """Hold so much memory, every page of it written to. The first that is ended where there is none left."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")
    held: list[bytearray] = []
    while not over():
        left_mb = available_mb()
        if left_mb is not None and left_mb < margin_mb:
            return f"ended: this machine has {left_mb} MB of memory left, less than {margin_mb} MB"
        wanted_mb = min(_CHUNK_MB, mb - len(held) * _CHUNK_MB)
        if wanted_mb > 0:
            held.append(bytearray(b"\1") * (wanted_mb * _MB))
        else:
            time.sleep(_SLICE_S)
    return 0


def available_mb() -> int | None:
    """What programs can still be given without swapping; None where the system does not say it."""
    with contextlib.suppress(OSError), open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) // 1024
    return None


def main(kind: str, record: str, seconds: str, *figures: str) -> int | str:
    """The exit code, or why it ended before its time."""
    until_s = time.monotonic() + float(seconds)

    def over() -> bool:
        return time.monotonic() > until_s or not os.path.exists(record)

    if kind == "cpu":
        return cpu(over, int(figures[0]), float(figures[1]), figures[2])
    return memory(over, int(figures[0]), int(figures[1]))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
