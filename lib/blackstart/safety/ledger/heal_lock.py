"""One that mends at a time: chaos.heal holds this lock as long as it is at work."""

import contextlib
from collections.abc import Iterator

from blackstart.base.errors import Refused
from blackstart.base.state import state_dir


@contextlib.contextmanager
def one_healer(within_s: float) -> Iterator[None]:
    """Hold the lock. Raises Refused where somebody else holds it for longer than that."""
    from filelock import FileLock, Timeout  # noqa: PLC0415  (it loads asyncio, and most runs have nothing to mend)

    # No file that stands for a lock where there is no flock: one that a kill left behind would keep all from mending.
    lock = FileLock(state_dir() / "heal.lock", within_s, mode=0o600, fallback_to_soft=False)
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(lock)
        except Timeout as error:
            raise Refused(f"another chaos.heal has been at work for {within_s:g} s; see chaos.status") from error
        except OSError:  # a full disk: two that mend at once do no harm, nobody mending does
            pass
        yield
