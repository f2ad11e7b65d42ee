"""The processes of this machine that are a container's, told by the id that their control group has in its name."""

import contextlib
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import psutil


@cache
def main_pid(container_id: str) -> int | None:
    """The main process of a container that runs, as this machine numbers it; None where it does not run here.

    What is started in a container later (by exec) is, like it, no child of a process of it: the main one is the oldest.
    Asked once for each container, since every look goes through all processes.
    """
    members = list(_members(container_id))
    pids = {pid for _, pid, _ in members}
    heads = [(started, pid) for started, pid, parent in members if parent not in pids]
    return min(heads)[1] if heads else None


def is_in(pid: int, container_ids: Collection[str]) -> bool:
    """Whether a process is one of these containers'."""
    try:
        group = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False
    return any(one in group for one in container_ids if one)


def _members(container_id: str) -> Iterator[tuple[float, int, int]]:
    """When each began, its pid and its parent's."""
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess):  # a server's children come and go while they are looked at
            if is_in(one.pid, (container_id,)):
                yield one.create_time(), one.pid, one.ppid()
