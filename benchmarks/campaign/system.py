"""What a system under fire is: where its target file is, who looks at it, which experiments hit it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.campaign.observer import Look, now_s, pings_redis, redis_pid

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


class Missing(Exception):
    """This machine can't offer the system; the message says what is missing."""


@dataclass
class System:
    """A running system. `runs` are the argument lists of the experiments to kill, by name.

    `prefix` is what every command must have in front of it, to be run where the system is.
    """

    name: str
    target: Path
    looks: list[Look]
    runs: dict[str, list[str]]
    elders: set[int] = field(default_factory=set)
    redis: tuple[str, int] | None = None
    assume_link: str = ""
    prefix: list[str] = field(default_factory=list)
    gap_s: float = 0.08  # about so long after the ledger's entry the fault takes effect
    undo_s: float = 0.15  # and so long its undo takes
    load_s: float = 0.1  # the shortest load of an experiment without a fault
    start_s: float = 0.0
    stop_words: tuple[str, ...] = ()
    start_words: tuple[str, ...] = ()
    pid: Callable[[], int] | None = None  # of Redis, where its own word is another's here, as in a container
    agrees: Callable[[], str] = lambda: ""  # what its stores still differ in when nobody works on them any more

    def measure_start(self, times: int = 5) -> None:
        """How long the service itself takes to start: from asking, by its own command, until it answers."""
        taken = []
        for _ in range(times if self.stop_words else 0):
            subprocess.run(self.stop_words, capture_output=True, timeout=60, check=True)
            asked_s = now_s()
            subprocess.run(self.start_words, capture_output=True, timeout=60, check=True)
            while not (self.redis and pings_redis(*self.redis)):
                if now_s() - asked_s > 30:
                    raise Missing("the service does not start by its own command")
            taken.append(now_s() - asked_s)
        self.start_s = sorted(taken)[len(taken) // 2] if taken else 0.0

    def freeze(self) -> int:
        """Stop Redis's process; returns its pid, or 0 where there is none (any more)."""
        pid = self.pid() if self.pid else redis_pid(*self.redis) if self.redis else 0
        try:
            if pid:
                os.kill(pid, 19)
        except ProcessLookupError:
            return 0
        return pid


def invoke(*words: str) -> list[str]:
    """The command line of a task."""
    return [sys.executable, "-m", "invoke", "--search-root", str(ROOT), *words]


def own_experiments(*names: str) -> dict[str, list[str]]:
    """The experiments in this folder's `experiments`."""
    return {name: invoke("chaos.run", str(HERE / "experiments" / f"{name}.py")) for name in names}
