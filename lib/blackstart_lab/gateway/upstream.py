"""`python -m blackstart_lab.gateway.upstream`: the service behind the gateway; it says what it was asked, and how."""

import asyncio
import logging
import signal
import sys
from argparse import ArgumentParser

from aiohttp import web

PORT_TAKEN = 3


async def answer(request: web.Request) -> web.Response:
    """`limiter` repeats what the gateway said of this request, so that a client can prove both in one answer."""
    mode = request.headers.get("X-RateLimit-Mode", "")
    body = b'{"served_by": "upstream", "limiter": "%s", "path": "%s"}' % (
        mode.encode(),
        request.rel_url.raw_path.encode(),
    )
    return web.Response(body=body, content_type="application/json")


async def health(_: web.Request) -> web.Response:
    return web.json_response({"status": "UP"})


async def serve(host: str, port: int) -> int:
    app = web.Application()
    app.add_routes([web.get("/health", health), web.route("*", "/{tail:.*}", answer)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        logging.error("can't listen on port %s: %s", port, error)
        await runner.cleanup()
        return PORT_TAKEN
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await runner.cleanup()
    return 0


def main() -> int:
    """Run until told to stop."""
    parser = ArgumentParser(prog="python -m blackstart_lab.gateway.upstream", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    return asyncio.run(serve(options.host, options.port))


if __name__ == "__main__":
    sys.exit(main())
