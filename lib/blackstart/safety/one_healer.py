"""One that mends at a time: chaos.heal holds this lock as long as it is at work."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator

from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from blackstart.errors import Refused
from blackstart.state import state_dir


@contextlib.contextmanager
def one_healer(within_s: float) -> Iterator[None]:
    """Hold the lock. Raises Refused where somebody else holds it for longer than that."""
    try:
        handle = os.open(state_dir() / "heal.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:  # a full disk: two that mend at once do no harm, nobody mending does
        yield
        return
    try:
        for attempt in Retrying(
            stop=stop_after_delay(within_s), wait=wait_fixed(0.05), retry=retry_if_exception_type(BlockingIOError)
        ):
            with attempt:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except RetryError as error:
        os.close(handle)
        raise Refused(f"another chaos.heal has been at work for {within_s:g} s; see chaos.status") from error
    try:
        yield
    finally:
        os.close(handle)
