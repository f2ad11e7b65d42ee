"""The control groups of a process, of either version: where they are, and what they let it use. Linux only."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
# What version 1 says where there is no limit: the largest number of whole pages.
_NO_LIMIT = 1 << 60


@dataclass(frozen=True)
class Group:
    """One control group of one controller, `top` being the highest one that is seen from here."""

    folder: Path
    top: Path
    unified: bool

    @property
    def members(self) -> Path:
        """The file that a process is put into it by."""
        return self.folder / "cgroup.procs"

    @property
    def limit_file(self) -> Path:
        """What holds the limit of its memory."""
        return self.folder / ("memory.max" if self.unified else "memory.limit_in_bytes")

    def above(self) -> Iterator["Group"]:
        """Itself and all that it lies in: each of them limits it."""
        folder = self.folder
        while True:
            yield Group(folder, self.top, self.unified)
            if folder in (self.top, folder.parent):
                return
            folder = folder.parent

    def limit_bytes(self) -> int | None:
        """Its own limit of memory; None where it has none."""
        told = _text(self.limit_file)
        return int(told) if told.isdigit() and int(told) < _NO_LIMIT else None

    def used_bytes(self) -> int:
        """The memory that it uses, without what is only kept of files and can be had back. Raises OSError."""
        now = int((self.folder / ("memory.current" if self.unified else "memory.usage_in_bytes")).read_text())
        word = "inactive_file" if self.unified else "total_inactive_file"
        lines = (line.split() for line in _text(self.folder / "memory.stat").splitlines())
        return now - next((int(number) for name, number in lines if name == word), 0)

    def holds_us(self) -> bool:
        """Whether what happens in it happens to us, too."""
        ours = group_of("self", "memory")
        return ours is not None and ours.folder.is_relative_to(self.folder)

    def cores(self) -> float | None:
        """How many processors' time it may use; None where that is not limited."""
        if self.unified:
            quota, _, period = _text(self.folder / "cpu.max").partition(" ")
        else:
            quota, period = (_text(self.folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
        return int(quota) / int(period) if quota.isdigit() and period.isdigit() else None


def group_of(pid: int | str, controller: str, proc: Path = _PROC) -> Group | None:
    """Where the process is; None where its system has no such groups, or they can't be seen from here."""
    lines = [line.split(":", 2) for line in _text(proc / str(pid) / "cgroup").splitlines()]
    path = next((path for _, names, path in lines if controller in names.split(",")), None)
    if path is not None:
        return _found(path, "cgroup", controller, proc)
    path = next((path for number, names, path in lines if (number, names) == ("0", "")), None)
    found = _found(path, "cgroup2", "", proc) if path is not None else None
    has = found and controller in _text(found.folder / "cgroup.controllers").split()
    return found if has else None


def own_group(pid: int, controller: str) -> Group | None:
    """The group of the process, where it is neither ours nor that of all."""
    found = group_of(pid, controller)
    return None if found is None or found.folder == found.top or found == group_of("self", controller) else found


def memory_limit(pid: int) -> tuple[Group, int] | None:
    """The narrowest limit of memory that the process lives under, and whose it is; None where there is none."""
    found = group_of(pid, "memory")
    limits = [(group, group.limit_bytes()) for group in found.above()] if found else []
    return min(((group, limit) for group, limit in limits if limit is not None), key=lambda pair: pair[1], default=None)


def cores_of(pid: int) -> float:
    """How many processors' time the process may use."""
    found = group_of(pid, "cpu")
    quotas = [quota for group in found.above() if (quota := group.cores()) is not None] if found else []
    return min([float(len(cpus_of(pid)) or os.cpu_count() or 1), *quotas])


def cpus_of(pid: int) -> tuple[int, ...]:
    """The processors that it may run on; empty where its system does not say it."""
    if not hasattr(os, "sched_getaffinity"):
        return ()
    with contextlib.suppress(OSError):
        return tuple(sorted(os.sched_getaffinity(pid)))
    return ()


def _found(path: str, kind: str, controller: str, proc: Path) -> Group | None:
    for line in _text(proc / "self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        words, (name, _, options) = before.split(), after.split(" ", 2)
        if name != kind or (controller and controller not in options.split(",")):
            continue
        root, top = Path(words[3]), Path(words[4])
        if Path(path).is_relative_to(root):
            return Group(top / Path(path).relative_to(root), top, kind == "cgroup2")
    return None


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
