"""The leader lock's key in Redis."""

import asyncio
from collections.abc import Awaitable

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from blackstart_lab.trader.config import LOCK_KEY
from blackstart_lab.trader.errors import StoreUnreachable


class RedisStore:
    """Every call ends within `timeout_s`, also when Redis accepts the connection and says nothing."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self.url = url
        self._timeout_s = timeout_s
        self._redis = Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),  # the lock has its own backoff; redis-py's hidden retries would blur it
        )

    async def acquire(self, owner: str, ttl_s: float) -> bool:
        return bool(await self._bounded(self._redis.set(LOCK_KEY, owner, nx=True, px=int(ttl_s * 1000))))

    async def extend(self, script: str, owner: str, ttl_s: float) -> bool:
        answer = self._redis.eval(script, 1, LOCK_KEY, owner, str(int(ttl_s * 1000)))
        return await self._bounded(answer) == 1

    async def _bounded(self, call: Awaitable[object]) -> object:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await call
        except (TimeoutError, RedisTimeoutError) as error:
            raise StoreUnreachable(f"no answer within {self._timeout_s:g} s") from error
        except (RedisError, OSError) as error:
            raise StoreUnreachable(f"{type(error).__name__}: {error}") from error

    async def close(self) -> None:
        await self._redis.aclose()
