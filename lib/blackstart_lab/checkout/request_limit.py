"""How many sessions a client may open: a sliding log, so that no window of its length ever has more."""

from collections import deque
from collections.abc import Callable

from blackstart_lab.checkout.failures import RateLimited
from blackstart_lab.clock import now_s


class SlidingLog:
    """Counts the keys that were let through, exactly and in memory: who is refused costs nobody a query.

    A key that was let through within the window is let through again uncounted: it opens no second session.
    """

    def __init__(self, limit: int, window_s: float, clock: Callable[[], float] = now_s) -> None:
        self.limit = limit
        self.window_s = window_s
        self.now = clock
        self.admitted: dict[str, dict[str, float]] = {}
        self._log: deque[tuple[float, str, str]] = deque()

    def admit(self, client: str, key: str) -> None:
        """Let a request through. Raises RateLimited, and forgets about it."""
        now = self.now()
        self._forget(now - self.window_s)
        keys = self.admitted.setdefault(client, {})
        if key in keys:
            return
        if self.is_full(keys):
            raise RateLimited(
                f"more than {self.limit} requests within {self.window_s:g} s",
                retry_after_s=min(keys.values()) + self.window_s - now,
            )
        keys[key] = now
        self._log.append((now, client, key))

    def is_full(self, keys: dict[str, float]) -> bool:
        """Whether a client with these keys in the window may not have another."""
        return len(keys) >= self.limit

    def _forget(self, before: float) -> None:
        while self._log and self._log[0][0] < before:
            _, client, key = self._log.popleft()
            keys = self.admitted.get(client, {})
            keys.pop(key, None)
            if not keys:
                self.admitted.pop(client, None)
