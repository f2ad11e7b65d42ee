"""Runs one program of a lab: its HTTP side and its jobs, until it is told to stop."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from blackstart_lab.programs import PORT_TAKEN

log = logging.getLogger("serving")


def log_to_stdout() -> None:
    """In UTC, for the supervisor to keep."""
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(name)s %(message)s")


async def serve(app: web.Application, host: str, port: int, jobs: Sequence[Callable[[], Awaitable[None]]] = ()) -> int:
    """Run until SIGTERM, SIGINT or the end of a job, which is never meant to end; returns the exit code."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
    except OSError as error:
        log.error("can't listen on port %s: %s", port, error)
        await runner.cleanup()
        return PORT_TAKEN
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    work = [asyncio.ensure_future(job()) for job in jobs]
    told = asyncio.ensure_future(stop.wait())
    await asyncio.wait([told, *work], return_when=asyncio.FIRST_COMPLETED)
    await runner.cleanup()  # requests that are under way are answered
    failed = [task for task in work if task.done()]
    for task in failed:
        log.error("%s ended", task, exc_info=task.exception())
    for task in work:
        task.cancel()
    await asyncio.wait([told, *work], timeout=1) if not failed else None
    return 1 if failed else 0
