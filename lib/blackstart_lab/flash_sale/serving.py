"""Runs one program: its HTTP side and its jobs, until it is told to stop."""

import asyncio
import logging
import signal
import sys
import time
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from blackstart_lab.flash_sale.promise import AS_CODED, GROUP, PROMISED, TOPIC, Settings

log = logging.getLogger("sale")

PORT_TAKEN = 3
"""Exit code for a start that would fail again: the supervisor does not repeat it."""


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


def settings(program: str) -> Settings:
    """What the supervisor tells a program."""
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it tells of each attempt to connect as an error
    parser = ArgumentParser(prog=f"python -m blackstart_lab.flash_sale.{program}")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; a container needs 0.0.0.0")
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--kafka", required=True, metavar="HOST:PORT")
    parser.add_argument("--topic", default=TOPIC)
    parser.add_argument("--group", default=GROUP)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--redis-url", default="")
    parser.add_argument("--waiting-room", default="", metavar="URL")
    parser.add_argument("--gate-per-s", type=int, default=PROMISED.gate_per_s)
    parser.add_argument("--as-coded", action="store_true", help="behave as the public application does")
    parser.add_argument("--mutant", metavar="NAME")
    options = parser.parse_args()
    return Settings(
        promise=replace(AS_CODED if options.as_coded else PROMISED, gate_per_s=options.gate_per_s),
        port=options.port,
        events=options.events,
        kafka=options.kafka,
        dsn=options.dsn,
        redis_url=options.redis_url,
        waiting_room=options.waiting_room,
        mutant=options.mutant,
        host=options.host,
        topic=options.topic,
        group=options.group,
    )
