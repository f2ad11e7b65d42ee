"""The rate limit: so many requests per API key, path and window, counted in Redis."""

import time
from dataclasses import dataclass

from blackstart_lab.gateway.config import Profile
from blackstart_lab.gateway.store import RedisStore


@dataclass(frozen=True)
class Verdict:
    """`window` is the number of the window since 1970; it ends at `(window + 1) * window_s`."""

    allowed: bool
    limit: int
    remaining: int
    window: int


class FixedWindow:
    """Counts first and compares after, so that no two requests can both take the last place."""

    def __init__(self, store: RedisStore, profile: Profile) -> None:
        self.store = store
        self.profile = profile

    async def ask(self, api_key: str, path: str) -> Verdict:
        """Count this request. Raises LimiterUnavailable where Redis could not be asked."""
        window = int(time.time()) // self.profile.window_s
        count = await self.store.count(self.key(api_key, path, window))
        limit = self.profile.limit_per_window
        return Verdict(count <= limit, limit, max(0, limit - count), window)

    def key(self, api_key: str, path: str, window: int) -> str:
        return f"rate_limit:fixed:{api_key}:{path}:{window}"
