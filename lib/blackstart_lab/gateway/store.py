"""Redis as the gateway sees it: counters, reached over few connections, and never waited for longer than agreed."""

import asyncio
import logging
import uuid
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from blackstart_lab.gateway import patience
from blackstart_lab.gateway.batches import Batches
from blackstart_lab.gateway.config import Profile
from blackstart_lab.gateway.errors import LimiterUnavailable

T = TypeVar("T")

log = logging.getLogger("gateway.redis")

_SPARE = 4
"""Connections beyond those at work: one that is given up may still be closing."""


class RedisStore:
    """Every call ends within the profile's time-out, the wait for the batch before it included."""

    def __init__(self, url: str, profile: Profile, instance_id: str, noted: Callable[[bool], None]) -> None:
        self.connected = False
        self.profile = profile
        self._noted = noted
        self._batches = Batches(self.send, profile.redis_connections)
        self._redis = self._client(url)
        # The one connection with a name: by it the operator finds this instance in CLIENT LIST.
        self._pinger = self._client(url, client_name=f"gateway-{instance_id}")

    def timeout_s(self) -> float:
        return self.profile.redis_timeout_ms / 1000

    def _client(self, url: str, **more: Any) -> Redis:
        return Redis.from_url(
            url,
            socket_timeout=None,  # `ask` has the limit, for the whole of a call
            socket_connect_timeout=None,
            max_connections=self.profile.redis_connections + _SPARE,  # `Batches` waits where the pool would raise
            protocol=2,
            retry=Retry(NoBackoff(), 0),  # redis-py's hidden retries would outlast the time-out
            **more,
        )

    async def count(self, key: str) -> int:
        """Count one more under the key; returns how many there are. Raises LimiterUnavailable."""
        return await self.ask(self._batches.count(key))

    async def send(self, keys: list[str]) -> list[int]:
        """INCR and EXPIRE of each key in one round trip."""

        async def incr() -> list[int]:
            pipe = self._redis.pipeline(transaction=False)
            for key in keys:
                pipe.incr(key)
                pipe.expire(key, self.profile.key_ttl_s)
            answers: list[int] = await pipe.execute()
            return answers[::2]

        return await self.ask(incr())

    async def ask(self, job: Coroutine[Any, Any, T]) -> T:
        """Run one job against Redis. Raises LimiterUnavailable, with what redis-py said."""
        try:
            async with patience.Limit(self.timeout_s()):
                return await job
        except TimeoutError as error:
            raise LimiterUnavailable(f"no answer within {self.profile.redis_timeout_ms:g} ms") from error
        except (RedisError, OSError) as error:
            raise LimiterUnavailable(str(error) or type(error).__name__) from error

    async def ping(self) -> bool:
        """Whether Redis answers now, on a connection of its own that the limiter's calls can't crowd out."""

        try:
            await self.ask(self._pinger.execute_command("PING"))  # type: ignore[no-untyped-call]
        except LimiterUnavailable as error:
            self.note(False, str(error))
        else:
            self.note(True, "")
        return self.connected

    def note(self, connected: bool, why: str) -> None:
        """Remember, and on a change tell, whether Redis answers."""
        if connected == self.connected:
            return
        self.connected = connected
        self._noted(connected)
        if connected:
            log.info("Redis connection established")
        else:
            log.error("Redis connection error: %s", why)

    async def keep_asking(self) -> None:
        """Ping for ever: what /actuator/health says of Redis."""
        while True:
            await self.ping()
            await asyncio.sleep(self.profile.ping_every_ms / 1000)

    async def close(self) -> None:
        await self._redis.aclose()
        await self._pinger.aclose()


def new_instance_id() -> str:
    return str(uuid.uuid4())
