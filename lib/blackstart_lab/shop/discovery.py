"""Where the other services are, as platform-coordination tells it: kept for a while, and used on while it is away."""

import asyncio
import logging
from typing import Any

import aiohttp

from blackstart_lab.clock import now_s
from blackstart_lab.shop.counters import ShopSeries
from blackstart_lab.shop.exceptions import Undiscovered
from blackstart_lab.shop.settings import Settings

log = logging.getLogger("shop.discovery")

ROUTE = "/api/v1/services"
_FAILURES = (TimeoutError, aiohttp.ClientError, ValueError, KeyError, TypeError)
_ASKED_WITHIN_S = 1.0


class Discovery:
    """Registers its own program, and finds others. A stale address is better than none.

    `answers` is whether the registry did so last, `was_registered` whether it has taken this program in, ever.
    """

    def __init__(self, settings: Settings, instance_id: str, series: ShopSeries) -> None:
        self.settings, self.promise = settings, settings.promise
        self.instance_id = instance_id
        self.registered = False
        self.was_registered = False
        self.answers = False
        self._series = series
        self._cache: dict[str, tuple[float, list[str]]] = {}
        self._turn = 0
        self._first = asyncio.Lock()

    async def run(self) -> None:
        """For ever: say that this program lives, and renew what has become old."""
        while True:
            await self.tell()
            for name, (renewed_s, _) in list(self._cache.items()):
                if now_s() - renewed_s >= self.promise.cache_ttl_s:
                    await self.renew(name)
            await asyncio.sleep(self.promise.heartbeat_s)

    async def tell(self) -> None:
        """Heartbeat; a registry that was started anew knows nobody, and is told again."""
        try:
            if self.registered:
                url = f"{ROUTE}/{self.instance_id}/health?healthy=true"
                self.registered = (await self._ask("POST", url))[0] == 200
            if not self.registered:
                me = {"id": self.instance_id, "name": self.settings.service, "address": self.settings.address}
                self.registered = (await self._ask("POST", f"{ROUTE}/register", me))[0] == 201
            self.answers = True
            self.was_registered |= self.registered
        except _FAILURES as error:
            self.answers = False
            log.info("not registered: %s", error or type(error).__name__)

    async def renew(self, name: str) -> None:
        """Ask for the addresses of a service. Nothing is forgotten for an answer that names none."""
        try:
            status, body = await self._ask("GET", f"{ROUTE}/discover/{name}")
            found = [str(one["address"]) for one in body["instances"]] if status == 200 else []
        except _FAILURES as error:
            log.info("%s not renewed: %s", name, error or type(error).__name__)
            found = []
        if found:
            self._cache[name] = now_s(), sorted(found)

    async def addresses(self, name: str) -> list[str]:
        """All instances of a service, the next one in turn first. Raises Undiscovered."""
        async with self._first:  # one question for all who wait for its answer
            if name not in self._cache:
                await self.renew(name)
        if name not in self._cache:
            raise Undiscovered(f"platform-coordination has not told where {name} is")
        _, known = self._cache[name]
        self._turn += 1
        first = self._turn % len(known)
        return [*known[first:], *known[:first]]

    def tell_ages(self) -> None:
        """To the metrics: how old each address is."""
        for name, (renewed_s, _) in self._cache.items():
            self._series.address_age.labels(name).set(now_s() - renewed_s)

    async def _ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        limit = aiohttp.ClientTimeout(total=_ASKED_WITHIN_S)
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.request(method, f"{self.settings.platform}{path}", json=body) as answer,
        ):
            return answer.status, await answer.json()
