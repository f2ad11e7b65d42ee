"""A small real server for tests of loads: `python -m tests.contract.load_server HOST` prints its port, then serves.

/ok /slow/MS /status/CODE /drop /hang /endless /json /orders (keeps what it accepted, by client_order_id) /concurrent
(answers how many were in it at once) /seen (what it counted).
"""

import asyncio
import sys
from collections import Counter

from aiohttp import web

SEEN: Counter[str] = Counter()
ORDERS: dict[str, dict[str, object]] = {}
BODIES: dict[str, list[str]] = {}
INSIDE = {"now": 0, "most": 0}


async def ok(request: web.Request) -> web.Response:
    return web.Response(text="ok", headers={"X-Instance": "one"})


async def slow(request: web.Request) -> web.Response:
    await asyncio.sleep(int(request.match_info["ms"]) / 1000)
    return web.Response(text="late")


async def status(request: web.Request) -> web.Response:
    return web.Response(status=int(request.match_info["code"]), text="as asked")


async def drop(request: web.Request) -> web.Response:
    await request.read()
    assert request.transport
    request.transport.abort()
    return web.Response()


async def hang(request: web.Request) -> web.Response:
    await asyncio.sleep(3600)
    return web.Response()


async def endless(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(b"x" * 65536)


async def as_json(request: web.Request) -> web.Response:
    return web.json_response({"order": {"status": "ignored"}, "instances": [{"id": "a-1"}]})


async def orders(request: web.Request) -> web.Response:
    body = await request.json()
    key = body["client_order_id"]
    BODIES.setdefault(key, []).append(await request.text())
    new = key not in ORDERS
    ORDERS[key] = body
    # The first attempt of every third order is carried out, and its answer is lost.
    if new and body["quantity"] % 3 == 0 and "lossy" in request.query:
        return await drop(request)
    if not new and "once" in request.query:
        return web.json_response({"detail": "known"}, status=409)
    return web.json_response({"client_order_id": key, "duplicate": not new}, status=201 if new else 200)


async def concurrent(request: web.Request) -> web.Response:
    await request.read()
    INSIDE["now"] += 1
    INSIDE["most"] = max(INSIDE["most"], INSIDE["now"])
    await asyncio.sleep(1.0)  # a busy machine takes some of it to read hundreds of requests
    INSIDE["now"] -= 1
    return web.Response(text="ok")


async def seen(request: web.Request) -> web.Response:
    return web.json_response({"paths": SEEN, "orders": list(ORDERS), "bodies": BODIES, "most": INSIDE["most"]})


@web.middleware
async def count(request: web.Request, handler):  # type: ignore[no-untyped-def]
    SEEN[request.path] += 1
    return await handler(request)


async def serve() -> None:
    app = web.Application(middlewares=[count])
    app.router.add_get("/ok", ok)
    for path, handler in {
        "/slow/{ms}": slow, "/status/{code}": status, "/drop": drop, "/hang": hang, "/endless": endless,
        "/json": as_json, "/orders": orders, "/concurrent": concurrent, "/seen": seen,
    }.items():  # fmt: skip
        app.router.add_route("*", path, handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, sys.argv[1], 0, backlog=2048)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)  # ends with its parent


if __name__ == "__main__":
    asyncio.run(serve())
