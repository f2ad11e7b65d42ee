"""Runs one gateway: its proxied routes and its operations side, until it is told to stop."""

import asyncio
import gc
import logging
import signal

from aiohttp import web

from blackstart_lab.gateway import memory
from blackstart_lab.gateway.actuator import Actuator
from blackstart_lab.gateway.config import ROUTES
from blackstart_lab.gateway.parts import Gateway

log = logging.getLogger("gateway")

PORT_TAKEN = 3
"""Exit code for a start that would fail again: the supervisor does not repeat it."""


def application(gateway: Gateway) -> web.Application:
    """The HTTP side."""
    app = web.Application()
    handle = gateway.proxied.handle
    app.add_routes([*Actuator(gateway).routes(), *(web.route("*", f"{route}{{tail:.*}}", handle) for route in ROUTES)])
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
