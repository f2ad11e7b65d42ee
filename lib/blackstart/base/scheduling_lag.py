"""How late this process is: a thread that wakes at every tick tells what the machine, or a signal, keeps from us.

What wakes late at its ticks reads, sends and waits late too, and so does what it looks at on the same machine. One that
sleeps most of the time may be served first, though, where those that work wait for each other: Linux tells besides how
many threads could run, for how long this one waited (schedstat), and for how much of the time anybody did (pressure
stall information).
"""

import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from blackstart.base import clock

TICK_S = 0.05
SAMPLE_S = 1.0
# What wakes so late stood still; anything less is a machine with much to do.
STALL_S = 0.5
_SCHEDSTAT = Path("/proc/thread-self/schedstat")
_PRESSURE = Path("/proc/pressure/cpu")
_RUNNING = Path("/proc/loadavg")


@dataclass(frozen=True)
class LagSample:
    """A stretch of ticks, in `clock.now_s()` seconds: by how much they came late, together and at worst.

    A stall is a sample of its own, from when its tick was due to when it came. `waited` is the share of the time for
    which the thread could have run and got no processor (what is stopped waits for none), `pressure` that for which
    anything on the machine had to wait; None where the system does not tell.
    """

    from_s: float
    to_s: float
    late_s: float
    worst_s: float
    waited: float | None = None
    pressure: float | None = None
    runnable: float | None = None

    @property
    def stalled(self) -> bool:
        """Whether we stood still."""
        return self.worst_s >= STALL_S


class LagCounter:
    """Adds ticks up to samples. Pure: it is told when each was due and when it came."""

    def __init__(self, at_s: float) -> None:
        self._from_s, self._late_s, self._worst_s = at_s, 0.0, 0.0

    def woke(self, due_s: float, now_s: float) -> list[LagSample]:
        """The samples that are over with this tick, in order."""
        late_s = max(0.0, now_s - due_s)
        if late_s >= STALL_S:
            before = [self._over(due_s)] if due_s > self._from_s else []
            self._from_s = now_s
            return [*before, LagSample(due_s, now_s, late_s, late_s)]
        self._late_s, self._worst_s = self._late_s + late_s, max(self._worst_s, late_s)
        return [self._over(now_s)] if now_s - self._from_s >= SAMPLE_S else []

    def _over(self, to_s: float) -> LagSample:
        sample = LagSample(self._from_s, to_s, self._late_s, self._worst_s)
        self._from_s, self._late_s, self._worst_s = to_s, 0.0, 0.0
        return sample


class LagMeter:
    """Calls `on_sample` about once a second, and right after each stall, in a thread of its own, until `stop`."""

    def __init__(self, on_sample: Callable[[LagSample], object]) -> None:
        self._on_sample = on_sample
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduling lag", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Idempotent. A sample that is not over is not told."""
        self._ending.set()

    def _run(self) -> None:
        now_s = clock.now_s()
        meter, waited_s, pressed_s, runnable = LagCounter(now_s), _waited_s(), _pressed_s(), list[float]()
        while not self._ending.wait(TICK_S):
            due_s, now_s = now_s + TICK_S, clock.now_s()
            samples = meter.woke(due_s, now_s)
            runnable += _runnable()
            if not samples:
                continue
            before, (waited_s, pressed_s) = (waited_s, pressed_s), (_waited_s(), _pressed_s())
            length_s = samples[-1].to_s - samples[0].from_s
            shares = _share(before[0], waited_s, length_s), _share(before[1], pressed_s, length_s)
            among = round(fmean(runnable), 2) if runnable else None
            runnable.clear()
            for sample in samples:
                self._on_sample(replace(sample, waited=shares[0], pressure=shares[1], runnable=among))


def _share(before_s: float | None, after_s: float | None, length_s: float) -> float | None:
    if before_s is None or after_s is None:
        return None
    return round(min(1.0, max(0.0, (after_s - before_s) / length_s)), 3)


def _runnable() -> list[float]:
    """How many threads can run now, for each processor; nothing where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return [int(_RUNNING.read_text().split()[3].partition("/")[0]) / (os.cpu_count() or 1)]
    return []


def _waited_s() -> float | None:
    """For how long this thread has been ready to run and did not."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(_SCHEDSTAT.read_text().split()[1]) / 1e9
    return None


def _pressed_s() -> float | None:
    """For how long something on this machine has had to wait for a processor."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(_PRESSURE.read_text().split("\n", 1)[0].rpartition("total=")[2]) / 1e6
    return None
