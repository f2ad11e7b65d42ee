"""How we came onto this machine: what sudo takes out of our environment is still in that of our ancestors."""

import os
from pathlib import Path

_NAME = "SSH_CONNECTION"
_ANCESTORS_AT_MOST = 64


def came_by() -> str:
    """SSH_CONNECTION, "client port server port", our own or that of the nearest ancestor; empty where there is none.

    sudo removes it, and faults on packets need root. Other systems than Linux show only our own.
    """
    own = os.environ.get(_NAME, "")
    pid = os.getppid()
    for _ in range(_ANCESTORS_AT_MOST):
        if own or pid <= 1:
            break
        own, pid = _told_by(pid), _parent_of(pid)
    return own


def _told_by(pid: int) -> str:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # not ours to read, or gone
        return ""
    head = f"{_NAME}=".encode()
    return next(
        (line.removeprefix(head).decode("utf-8", "replace") for line in environment if line.startswith(head)), ""
    )


def _parent_of(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0
