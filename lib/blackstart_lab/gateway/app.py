"""Runs one gateway: its proxied routes and its operations side, until it is told to stop."""

import asyncio
import gc
import logging
import signal
import time

from aiohttp import web

from blackstart_lab.gateway import memory
from blackstart_lab.gateway.actuator import Actuator
from blackstart_lab.gateway.config import API_KEY, ROUTES
from blackstart_lab.gateway.errors import UpstreamUnavailable
from blackstart_lab.gateway.gate import REFUSED, REJECTED, Decision
from blackstart_lab.gateway.parts import Gateway

log = logging.getLogger("gateway")

PORT_TAKEN = 3
"""Exit code for a start that would fail again: the supervisor does not repeat it."""


class Proxied:
    """The routes that are passed on."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._counts = {status: gateway.metrics.requests.labels(str(status)) for status in (200, 401, 429, 503)}

    async def handle(self, request: web.Request) -> web.Response:
        """Any request below a proxied route; whatever it ends with is counted."""
        began = time.perf_counter()
        response = await self._answer(request)
        counted = self._counts.get(response.status) or self._gateway.metrics.requests.labels(str(response.status))
        counted.observe(time.perf_counter() - began)
        return response

    async def _answer(self, request: web.Request) -> web.Response:
        api_key = request.headers.get("X-API-Key", "")
        if not api_key.startswith(API_KEY):
            return _problem(401, "X-API-Key is missing or unknown")
        workers = self._gateway.workers
        if workers.are_all_taken():
            return _problem(503, "no worker is free", {"Retry-After": "1"})
        with workers.one():
            path = request.rel_url.raw_path
            decision = await self._gateway.gate.decide(api_key, path)
            early = _early(decision)
            return early or await self._forward(request, decision)

    async def _forward(self, request: web.Request, decision: Decision) -> web.Response:
        body = await request.read() if request.can_read_body else b""
        headers = {"X-RateLimit-Mode": decision.mode}
        if body:
            headers["Content-Type"] = request.content_type
        try:
            answer = await self._gateway.upstream.forward(request.method, request.path_qs, headers, body)
        except UpstreamUnavailable as error:
            return _problem(error.status, str(error))
        return web.Response(
            body=answer.body, status=answer.status, content_type=answer.content_type, headers=_limit_headers(decision)
        )


def _early(decision: Decision) -> web.Response | None:
    """The answer where the request goes no further."""
    if decision.mode == REJECTED:
        return _problem(429, "too many requests", {**_limit_headers(decision), "Retry-After": "1"})
    if decision.mode == REFUSED:
        return _problem(decision.status, decision.why, {"Retry-After": "1"})
    return None


def _limit_headers(decision: Decision) -> dict[str, str]:
    headers = {"X-RateLimit-Mode": decision.mode}
    if decision.verdict is not None:
        headers["X-RateLimit-Limit"] = str(decision.verdict.limit)
        headers["X-RateLimit-Remaining"] = str(decision.verdict.remaining)
    return headers


def _problem(status: int, error: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"status": status, "error": error}, status=status, headers=headers)


def application(gateway: Gateway) -> web.Application:
    """The HTTP side."""
    app = web.Application()
    proxied = Proxied(gateway)
    app.add_routes(
        [*Actuator(gateway).routes(), *(web.route("*", f"{route}{{tail:.*}}", proxied.handle) for route in ROUTES)]
    )
    return app


async def serve(gateway: Gateway) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code."""
    settings = gateway.settings
    await gateway.upstream.open()
    runner = web.AppRunner(application(gateway), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port, backlog=1024).start()
    except OSError as error:
        log.error("can't listen on port %s: %s", settings.port, error)
        await runner.cleanup()
        return PORT_TAKEN
    gateway.events.write("started", mutant=settings.mutant)
    gateway.metrics.starts.inc(gateway.events.count("started"))
    gateway.metrics.oom_kills.inc(gateway.events.count("oom_killed"))
    memory.enforce(settings.profile.memory_limit_mb, gateway.events)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    asking = asyncio.create_task(gateway.store.keep_asking())
    asking.add_done_callback(lambda _: stop.set())
    gc.collect()
    gc.freeze()  # what is here now stays; the collector need not look at it again
    await stop.wait()
    gateway.events.write("stopping")
    asking.cancel()
    await runner.cleanup()
    await gateway.upstream.close()
    await gateway.store.close()
    return 0
