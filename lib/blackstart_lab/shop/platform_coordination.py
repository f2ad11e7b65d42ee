"""`python -m blackstart_lab.shop.platform_coordination`: which instances of which service there are."""

import sys
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from blackstart_lab.clock import now_s
from blackstart_lab.shop import program, service
from blackstart_lab.shop.discovery import ROUTE
from blackstart_lab.shop.exceptions import InvalidRequest, NotFound
from blackstart_lab.shop.settings import Settings


class PlatformCoordination(service.ShopService):
    """Kept in memory: after a restart the services tell it again. One that is not heard of for a lease is left out."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._instances: dict[str, dict[str, Any]] = {}

    registered, registry = True, "up"  # it is the registry: it has nobody to register with

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return (
            web.post(f"{ROUTE}/register", self.register),
            web.get(f"{ROUTE}/", self.listed),
            web.get(f"{ROUTE}/discover/{{name}}", self.discover),
            web.get(f"{ROUTE}/{{id}}", self.shown),
            web.delete(f"{ROUTE}/{{id}}", self.removed),
            web.post(f"{ROUTE}/{{id}}/health", self.health),
        )

    def jobs(self) -> Sequence[service.Job]:
        return ()

    async def register(self, request: web.Request) -> web.Response:
        body = await service.body_of(request)
        one = {name: service.text(body, name) for name in ("id", "name", "address")}
        self._instances[one["id"]] = {**one, "healthy": True, "heard_s": now_s()}
        return web.json_response(self._shown(one["id"]), status=201)

    async def listed(self, _: web.Request) -> web.Response:
        return web.json_response({"services": list(map(self._shown, self._living()))})

    async def discover(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = [one for one in map(self._shown, self._living()) if one["name"] == name and one["healthy"]]
        if not found:
            raise NotFound(f"no instance of {name} is registered")
        return web.json_response({"instances": found})

    async def shown(self, request: web.Request) -> web.Response:
        return web.json_response(self._shown(self._known(request)))

    async def removed(self, request: web.Request) -> web.Response:
        del self._instances[self._known(request)]
        return web.Response(status=204)

    async def health(self, request: web.Request) -> web.Response:
        """A heartbeat, with what the instance says of its health."""
        healthy = request.query.get("healthy", "true")
        if healthy not in ("true", "false"):
            raise InvalidRequest("healthy must be true or false")
        known = self._known(request)
        self._instances[known] |= {"healthy": healthy == "true", "heard_s": now_s()}
        return web.json_response(self._shown(known))

    def _living(self) -> list[str]:
        oldest_s = now_s() - self.promise.lease_s
        return [key for key, one in self._instances.items() if one["heard_s"] >= oldest_s]

    def _known(self, request: web.Request) -> str:
        known = request.match_info["id"]
        if known not in self._instances:
            raise NotFound(f"no instance {known} is registered")
        return known

    def _shown(self, known: str) -> dict[str, Any]:
        return {name: value for name, value in self._instances[known].items() if name != "heard_s"}


if __name__ == "__main__":
    sys.exit(service.run(PlatformCoordination, program.settings()))
