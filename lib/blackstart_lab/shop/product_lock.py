"""A lock for each product in Redis, that lapses by itself, and a token that grows with every holder.

Redis alone can't keep two from believing that they hold it: one that stood still, or was cut off, does not see that its
lock has lapsed. That is what the token is for: the database takes nothing from whoever shows an older one.
"""

import asyncio
import uuid
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from blackstart_lab.clock import now_s
from blackstart_lab.shop.settings import Promise

# KEYS: lock, token. ARGV: owner, ms until it lapses.
_TAKE = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return redis.call('INCR', KEYS[2]) end
return 0
"""
# KEYS: lock. ARGV: owner.
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
_AGAIN_S = 0.01


class LockRefused(Exception):
    """Somebody else holds it for as long as may be waited, or Redis could not be asked. Nothing was done."""


@dataclass(frozen=True)
class Held:
    """Of one product, by one attempt."""

    product: str
    owner: str
    token: int
    turn: asyncio.Lock


class ProductLock:
    """Every call to Redis ends within its limit."""

    TAKE = _TAKE

    def __init__(self, url: str, promise: Promise) -> None:
        self.promise = promise
        self.redis = Redis.from_url(
            url,
            socket_timeout=promise.redis_timeout_s,
            socket_connect_timeout=promise.redis_timeout_s,
            protocol=2,
            decode_responses=True,
            driver_info=None,  # to say who it is would be a round trip of each new connection
            retry=Retry(NoBackoff(), 0),  # redis-py's hidden retries would outlast the limit
        )
        self._take = self.redis.register_script(self.TAKE)
        self._release = self.redis.register_script(_RELEASE)
        # Of one process only one attempt asks for a product's lock at a time; it goes when nobody waits any more.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def take(self, product: str) -> Held:
        """Wait for it, as long as promised. Raises LockRefused."""
        until_s, turn = now_s() + self.promise.lock_wait_s, self._turns.setdefault(product, asyncio.Lock())
        try:
            async with asyncio.timeout(self.promise.lock_wait_s):
                await turn.acquire()
        except TimeoutError as error:
            raise LockRefused(f"{product} is busy for {self.promise.lock_wait_s:g} s") from error
        try:
            return await self._taken(product, until_s, turn)
        except BaseException:
            turn.release()
            raise

    async def _taken(self, product: str, until_s: float, turn: asyncio.Lock) -> Held:
        owner, keys = str(uuid.uuid4()), [f"lock:{product}", f"token:{product}"]
        while True:
            token = await self._ask(self._take(keys=keys, args=[owner, int(self.promise.lock_ttl_s * 1000)]))
            if token:
                return Held(product, owner, int(token), turn)
            if now_s() >= until_s:
                raise LockRefused(f"{product} is locked by somebody else for {self.promise.lock_wait_s:g} s")
            await asyncio.sleep(_AGAIN_S)

    async def release(self, held: Held) -> None:
        """One that can't be released lapses."""
        try:
            await self._ask(self._release(keys=[f"lock:{held.product}"], args=[held.owner]))
        except LockRefused:
            return
        finally:
            held.turn.release()

    async def which(self) -> str:
        """What Redis calls itself; "" where it can't be asked."""
        try:
            return str((await self._ask(self.redis.info("server")))["run_id"])
        except LockRefused:
            return ""

    async def _ask(self, call: Awaitable[Any]) -> Any:
        try:
            return await call
        except (RedisError, OSError) as error:
            raise LockRefused(f"Redis: {type(error).__name__}: {error}") from error

    async def close(self) -> None:
        await self.redis.aclose()
