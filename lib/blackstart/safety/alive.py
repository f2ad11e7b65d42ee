"""Who a process is: boot, pid and start time, so that a pid that was used again is never taken for the old one."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

from blackstart.codec import plain


@plain
class Process:
    """One process of this machine. `started` is the kernel's own mark of its start, `boot` that of the machine's."""

    boot: str
    pid: int
    started: str

    def alive(self) -> bool:
        """Whether exactly this process still runs (a zombie does not)."""
        return self.boot == boot_id() and self.pid > 0 and started(self.pid) == self.started

    def __str__(self) -> str:
        return f"pid {self.pid}"


@cache
def boot_id() -> str:
    """Differs after every start of the machine."""
    path = Path("/proc/sys/kernel/random/boot_id")
    if path.exists():
        return path.read_text().strip()
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
    done = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, timeout=5, check=False, text=True
    )
    state, _, mark = done.stdout.strip().partition(" ")
    return None if not mark or state.startswith("Z") else mark.strip()


def myself() -> Process:
    """This process."""
    return Process(boot_id(), os.getpid(), started(os.getpid()) or "")
