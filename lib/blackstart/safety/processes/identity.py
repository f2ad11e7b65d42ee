"""Who a process is: boot, pid and start time, so that a pid that was used again is never taken for the old one."""

import os
import subprocess
from functools import cache
from pathlib import Path

from blackstart.base.codec import plain
from blackstart.safety.processes.namespaces import Apart, Place, apart, here

BOOT_FILE = Path("/proc/sys/kernel/random/boot_id")


@plain("process")
class Process:
    """One process. `started` is the kernel's own mark of its start, `boot` that of the machine's, `place` where it is.

    An old record has no place: it is taken to be here.
    """

    boot: str
    pid: int
    started: str
    place: Place = Place()

    def __post_init__(self) -> None:
        if not isinstance(self.place, Place):
            raise TypeError(f"{self.place!r} is no place")

    def alive(self) -> bool:
        """Whether exactly this process still runs (a zombie does not)."""
        return self.boot == boot_id() and self.pid > 0 and started(self.pid) == self.started

    def apart(self) -> Apart | None:
        """What lies between it and us: another machine, another network namespace; None where nothing does."""
        return apart(self.place, rebooted=self.boot != boot_id())

    def __str__(self) -> str:
        return f"pid {self.pid}"


@cache
def boot_id() -> str:
    """Differs after every start of the machine."""
    if BOOT_FILE.exists():
        return BOOT_FILE.read_text().strip()
    done = subprocess.run(["sysctl", "-n", "kern.bootsessionuuid"], capture_output=True, timeout=5, check=False)
    return done.stdout.decode().strip()


def started(pid: int) -> str | None:
    """The start mark of a live process, None where there is none (or only a zombie)."""
    try:
        # The command name is in parentheses and may itself contain some: count fields after the last one.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _started_by_ps(pid)
    return None if fields[0] in (b"Z", b"X") else fields[19].decode()


def _started_by_ps(pid: int) -> str | None:
    # The same mark for whoever asks: from a terminal, from cron, in another language or time zone.
    argv = ["env", "LC_ALL=C", "TZ=UTC0", "ps", "-o", "stat=,lstart=", "-p", str(pid)]
    done = subprocess.run(argv, capture_output=True, timeout=5, check=False, text=True)
    state, _, mark = done.stdout.strip().partition(" ")
    return None if not mark or state.startswith("Z") else mark.strip()


def myself() -> Process:
    return Process(boot_id(), os.getpid(), started(os.getpid()) or "", here())
