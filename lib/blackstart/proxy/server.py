"""The proxy's process: its options, its event loop, and its orderly end."""

import argparse
import asyncio
import gc
import importlib.util
import json
import logging
import resource
import secrets
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from blackstart.base import writer
from blackstart.base.errors import EXIT_REFUSED, Refused
from blackstart.base.printable import lines, one_line
from blackstart.proxy.address import Address
from blackstart.proxy.admission import Admission, is_loopback
from blackstart.proxy.api import API_VERSION, Api
from blackstart.proxy.collection import Collection
from blackstart.proxy.errors import ApiError

log = logging.getLogger(__name__)
_LAST_PORT = 65535
EXPOSED = "WARNING: the API has no password, and other machines can reach it at %s: they can drive every proxy"


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"must be from 0 to {_LAST_PORT}, not {number}")
    return number


class _Lines(logging.Formatter):
    """Each message is one line, whatever the names in it are; a trace of ours follows as it is."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return one_line(super().formatMessage(record))

    def format(self, record: logging.LogRecord) -> str:
        return lines(super().format(record).split("\n"))


def options(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line; Toxiproxy's own spellings with one dash are understood too."""
    parser = argparse.ArgumentParser(prog="python -m blackstart.proxy", description="A fault proxy for TCP.")
    add = parser.add_argument
    add("--host", "-host", default="127.0.0.1", help="address of the API (127.0.0.1)")
    add("--port", "-port", default=8474, type=_port, help="port of the API (8474); 0 takes a free one")
    add("--allow-host", action="append", default=[], metavar="NAME",
        help="a name beside those of loopback that the API may be called by; may be repeated")  # fmt: skip
    add("--config", "-config", default="", help="JSON file with the proxies to begin with, as POST /populate takes it")
    add("--seed", "-seed", default="", help="makes toxicity and jitter repeat; without it, one is drawn and logged")
    add("--loop", default="auto", choices=("auto", "uvloop", "asyncio"), help="event loop; auto: uvloop if installed")
    add("--version", "-version", action="version", version=f"toxiproxy-server version {API_VERSION} (blackstart)")
    add("--proxy-metrics", "-proxy-metrics", "--runtime-metrics", "-runtime-metrics", action="store_true",
        dest="metrics", help="accepted for Toxiproxy's sake: /metrics is always there")  # fmt: skip
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM. Returns the exit code: 0, or 40 where it could not start."""
    chosen = options(argv)
    logging.Formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Lines("%(asctime)s.%(msecs)03dZ  %(message)s", "%Y-%m-%dT%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    _allow_many_files()
    try:
        with asyncio.Runner(loop_factory=_loop_factory(chosen.loop)) as runner:
            runner.run(serve(chosen))
    except Refused as refused:
        writer.error(str(refused))
        return EXIT_REFUSED
    return 0


def _allow_many_files() -> None:
    """Each connection needs two files; the usual soft limit would end at 500 connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    if name == "asyncio" or (name == "auto" and importlib.util.find_spec("uvloop") is None):
        return asyncio.new_event_loop
    try:
        import uvloop  # noqa: PLC0415 - optional, and imported only where it is used
    except ImportError as error:
        raise Refused("uvloop is not installed. Install it, or leave out --loop uvloop.") from error
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def serve(chosen: argparse.Namespace) -> None:
    """Bring up the configured proxies, then the API; go on until a signal comes. Refused where either can't be had."""
    collection = Collection(chosen.seed or secrets.token_hex(8))
    names = {name.lower() for name in (*chosen.allow_host, chosen.host) if name}
    admission = Admission(names, any_address=not is_loopback(chosen.host))
    runner = web.AppRunner(Api(collection, admission).application(), access_log=None, shutdown_timeout=1.0)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    sweeping = asyncio.create_task(collection.sweep())
    try:
        await _configure(collection, chosen.config)
        port = await _open_api(runner, chosen.host, chosen.port)
        beyond = [str(address[0]) for address in runner.addresses if not is_loopback(str(address[0]))]
        if beyond:
            log.warning(EXPOSED, ", ".join(beyond))
        log.info("Proxy API listens on http://%s (seed %s)", Address(chosen.host or "localhost", port), collection.seed)
        gc.collect()
        gc.freeze()  # what is here now stays; the collector need not look at it again
        await ended.wait()
        log.info("Proxy ended by a signal")
    finally:
        sweeping.cancel()
        collection.close()
        await runner.cleanup()


async def _open_api(runner: web.AppRunner, host: str, port: int) -> int:
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except (OSError, OverflowError) as error:
        raise Refused(
            f"the proxy's API can't listen on {Address(host, port)} ({error}). Is one running there already? "
            "Choose another --port, or 0 for any free one."
        ) from error
    found: int = runner.addresses[0][1]
    return found


async def _configure(collection: Collection, file: str) -> None:
    if not file:
        return
    try:
        body: Any = json.loads(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        raise Refused(f"the configuration {file} can't be read ({error}). It is a JSON list of proxies.") from error
    try:
        _, problem = await collection.populate(body)
    except ApiError as error:
        problem = error
    if problem is not None:
        raise Refused(f"the configuration {file} can't be used: {problem}")
