"""Turns that tests of every run on this machine take at what is there only once, such as a container's name."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def held(name: str, alone: bool = True) -> Iterator[int]:
    """Held until the end, by one, or by many that are not `alone`; the file's handle. The last removes the file."""
    path = Path(tempfile.gettempdir()) / f"blackstart-test-{name}-{os.getuid()}.lock"
    handle = _taken(path, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
    try:
        yield handle
    finally:
        with contextlib.suppress(BlockingIOError):  # others hold it, too
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
        os.close(handle)


def _taken(path: Path, kind: int) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, kind)
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), os.fstat(handle)):
                return handle
        os.close(handle)  # whoever held it has removed it meanwhile
