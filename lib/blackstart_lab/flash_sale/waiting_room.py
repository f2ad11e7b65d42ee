"""`python -m blackstart_lab.flash_sale.waiting_room`: where those are sent whom the gate does not let in yet."""

import asyncio
import sys
from argparse import ArgumentParser

from aiohttp import web

from blackstart_lab import serving


async def wait(_: web.Request) -> web.Response:
    return web.json_response({"status": "waiting", "msg": "Too many orders at once; try again in a second"})


async def health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


def main() -> int:
    """Run until told to stop."""
    parser = ArgumentParser(prog="python -m blackstart_lab.flash_sale.waiting_room", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    app = web.Application()
    app.add_routes([web.get("/health", health), web.get("/", wait)])
    return asyncio.run(serving.serve(app, options.host, options.port))


if __name__ == "__main__":
    sys.exit(main())
