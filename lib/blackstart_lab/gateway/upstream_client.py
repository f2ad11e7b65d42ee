"""The way to the service behind the gateway."""

import asyncio
from dataclasses import dataclass

import aiohttp

from blackstart_lab.gateway.breaker import Breaker
from blackstart_lab.gateway.config import Profile
from blackstart_lab.gateway.errors import UpstreamUnavailable


@dataclass(frozen=True)
class Answer:
    """What the upstream said."""

    status: int
    body: bytes
    content_type: str


class UpstreamClient:
    """Passes requests on; where a breaker is given, every call goes through it."""

    def __init__(self, url: str, profile: Profile, breaker: Breaker | None) -> None:
        self._url = url
        self._breaker = breaker
        self._timeout = aiohttp.ClientTimeout(total=profile.upstream_timeout_ms / 1000)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        connector = aiohttp.TCPConnector(limit=0)  # the workers are the limit
        self._session = aiohttp.ClientSession(self._url, connector=connector, timeout=self._timeout)

    async def forward(self, method: str, path_qs: str, headers: dict[str, str], body: bytes) -> Answer:
        """Raises UpstreamUnavailable: refused or broken off, too late, or not permitted."""
        breaker = self._breaker
        if breaker is None:
            return await self._send(method, path_qs, headers, body)
        permit = breaker.acquire()
        if permit is None:
            raise UpstreamUnavailable(f"CircuitBreaker '{breaker.name}' is {breaker.state}", 503)
        try:
            answer = await self._send(method, path_qs, headers, body)
        except UpstreamUnavailable:
            breaker.record(permit, failed=True)
            raise
        except BaseException:
            breaker.give_back(permit)
            raise
        breaker.record(permit, failed=answer.status >= 500)
        return answer

    async def _send(self, method: str, path_qs: str, headers: dict[str, str], body: bytes) -> Answer:
        assert self._session is not None
        try:
            async with self._session.request(method, path_qs, headers=headers, data=body or None) as answer:
                return Answer(answer.status, await answer.read(), answer.content_type)
        except TimeoutError as error:
            raise UpstreamUnavailable("the upstream did not answer in time", 504) from error
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamUnavailable(f"the upstream can't be reached: {error}", 502) from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)
