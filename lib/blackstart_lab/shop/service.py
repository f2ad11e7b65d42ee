"""The frame of every service of the shop: its routes, its health, its place in the registry, from start to stop."""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import psutil
from aiohttp import web

from blackstart_lab import serving
from blackstart_lab.event_log import EventLog
from blackstart_lab.shop import wiring
from blackstart_lab.shop.counters import ShopSeries
from blackstart_lab.shop.exceptions import InvalidRequest, ShopError
from blackstart_lab.shop.settings import Settings

log = logging.getLogger("shop")

_LONGEST = 200
Job = Callable[[], Awaitable[None]]


class ShopService:
    """A service adds its `routes`, what it has to have (`needs`), and its `jobs`."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.promise = settings, settings.promise
        self.parts = wiring.parts(settings.mutant)
        self.instance_id = str(uuid.uuid4())
        self.log = EventLog(settings.events, self.instance_id, log)
        self.series = ShopSeries()
        self.discovery = self.parts["discovery"](settings, self.instance_id, self.series)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """Besides those of every service."""
        return ()

    def jobs(self) -> Sequence[Job]:
        """None of them ever ends."""
        return (self.discovery.run,)

    async def needs(self) -> dict[str, str]:
        """By name, what each store that it can't be without calls itself; "" for one that it does not reach."""
        return {}

    async def close(self) -> None:
        """Whatever it has open."""

    def application(self) -> web.Application:
        app = web.Application(middlewares=[_answer_errors])
        common = (
            web.get("/", self.alive),
            web.get("/health", self.alive),
            web.get("/health/live", self.alive),
            web.get("/health/ready", self.ready),
            web.get("/metrics", self.metrics),
        )
        app.add_routes([*common, *self.routes()])
        return app

    @property
    def registered(self) -> bool:
        """Whether the registry has taken it in since it began; one that is lost later takes nothing away."""
        return bool(self.discovery.was_registered)

    @property
    def registry(self) -> str:
        """Whether the registry answers, in a word."""
        return "up" if self.discovery.answers else "away"

    async def alive(self, _: web.Request) -> web.Response:
        """That it answers, whatever it lacks."""
        return web.json_response({"status": "ok", "service": self.settings.name, "instance": self.instance_id})

    async def ready(self, _: web.Request) -> web.Response:
        """What it reaches; 503 where something is missing."""
        needs = await self.needs()
        ready = all(needs.values()) and self.registered
        told = {"status": "ready" if ready else "not ready", "registered": self.registered, "registry": self.registry}
        return web.json_response({**told, **needs}, status=200 if ready else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        """GET /metrics."""
        self.discovery.tell_ages()
        self.series.memory.set(resident_bytes())
        return await self.series.page(request)

    async def run(self) -> int:
        """Until it is told to stop."""
        self.log.write("started", mutant=self.settings.mutant)
        code = await serving.serve(self.application(), self.settings.host, self.settings.port, self.jobs())
        await self.close()
        return code


def run(service: Callable[[Settings], ShopService], settings: Settings) -> int:
    """One program, as the supervisor starts it; returns its exit code."""

    async def running() -> int:
        return await service(settings).run()

    return asyncio.run(running())


@web.middleware
async def _answer_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except ShopError as error:
        body = {"error": {"code": error.code, "message": str(error)}}
        return web.json_response(body, status=error.status)


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object that was sent. Raises InvalidRequest."""
    try:
        body = await request.json()
    except ValueError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise InvalidRequest("the body must be a JSON object")
    return body


def text(body: dict[str, Any], name: str) -> str:
    """Of a body. Raises InvalidRequest."""
    value = body.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST or "\0" in value:
        raise InvalidRequest(f"{name} must be a text of 1 to {_LONGEST} characters")
    return value


def whole(body: dict[str, Any], name: str, least: int = 1) -> int:
    """Of a body. Raises InvalidRequest."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**31:
        raise InvalidRequest(f"{name} must be a whole number from {least} on")
    return value


def resident_bytes() -> int:
    """Memory of this process."""
    return int(psutil.Process().memory_info().rss)
