"""Runs one trader: its background work and its HTTP side, until it is told to stop."""

import asyncio
import hmac
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from aiohttp import web

from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.trader.controls import GUARDED, Controls, Invalid
from blackstart_lab.trader.errors import BrokerUnavailable, Fenced, Mismatch, QueueFull, Refused
from blackstart_lab.trader.parts import Trader
from blackstart_lab.trader.views import Views

log = logging.getLogger("trader")

PORT_TAKEN = 3
"""Exit code for a start that would fail again: the supervisor does not repeat it."""

_READY_NOTED_S = 0.05
_STATUS = {Refused: 409, Mismatch: 422, Fenced: 503, QueueFull: 429, DatabaseUnavailable: 503, Invalid: 422}
_STATUS |= {BrokerUnavailable: 503}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def application(trader: Trader) -> web.Application:
    """The HTTP side."""

    @web.middleware
    async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except tuple(_STATUS) as error:
            # /flatten fails with 500 without its database, as the real one does.
            status = 500 if request.path == "/flatten" else _STATUS[type(error)]
            return web.json_response({"detail": str(error)}, status=status)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in GUARDED:
            trader.events.write("asked", path=request.path_qs)
        key = trader.settings.ops_key
        given = request.headers.get("X-Ops-Key", "")
        if key and request.path in GUARDED and not hmac.compare_digest(given.encode(), key.encode()):
            return web.json_response({"detail": "X-Ops-Key is missing or wrong"}, status=401)
        return await handler(request)

    app = web.Application(middlewares=[guard, answer_errors])
    app.add_routes([*Views(trader).routes(), *Controls(trader).routes()])
    return app


async def serve(trader: Trader) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code. The lock is not given back: it runs out by itself."""
    runner = web.AppRunner(application(trader), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, trader.settings.host, trader.settings.port).start()
    except OSError as error:
        log.error("can't listen on port %s: %s", trader.settings.port, error)
        await runner.cleanup()
        return PORT_TAKEN
    trader.events.write("started", mutant=trader.settings.mutant)
    log.info("instance %s listens on port %s", trader.instance_id, trader.settings.port)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    work = [asyncio.create_task(_kept_alive(job), name=job.__qualname__) for job in _jobs(trader)]
    await stop.wait()
    trader.events.write("stopping")
    for task in work:
        task.cancel()
    await asyncio.wait(work, timeout=1)
    await runner.cleanup()
    return 0


def _jobs(trader: Trader) -> list[Callable[[], Coroutine[Any, Any, None]]]:
    async def order_stream() -> None:
        await trader.heart.feed("order_stream")

    async def market_data() -> None:
        await trader.heart.feed("marketdata")

    market = (trader.market.run, trader.market.fill, trader.market.write) if trader.market else (market_data,)
    broker = (trader.session.run,) if trader.session else ()

    async def note_readiness() -> None:
        while True:
            trader.readiness.note()
            await asyncio.sleep(_READY_NOTED_S)

    throttle, strategy, warmth = trader.throttle.run, trader.strategy.run, trader.database.keep_warm
    own = (trader.lock.run, trader.heart.run, order_stream, throttle, strategy, warmth, note_readiness)
    return [*own, *market, *broker]


async def _kept_alive(job: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """No error of one job ends it or the program: it is logged with its cause and the job begins again."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("%s failed and begins again", job.__qualname__)
            await asyncio.sleep(0.2)
