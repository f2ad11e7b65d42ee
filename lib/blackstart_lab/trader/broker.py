"""`python -m blackstart_lab.trader.broker`: a broker that issues tokens, takes orders and streams numbered ticks.

Its book and its tokens are in memory. Orders are not matched by their client's key: who sends one twice has two, as at
brokers where that key is a mere tag.
"""

import asyncio
import contextlib
import secrets
import sys
from argparse import ArgumentParser
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from blackstart_lab import serving

TICK_S = 0.2
TOKEN_LASTS_S = 3600
_TICKS_KEPT = 100_000
_SEND_WITHIN_S = 0.5
_LIST_DEFAULT = 100


class Book:
    """What the broker knows."""

    def __init__(self) -> None:
        self.orders: list[dict[str, Any]] = []
        self.tokens: set[str] = set()
        self.refusing = False
        self.refused = 0
        self.token_requests = 0
        self.ticks: deque[tuple[int, float]] = deque(maxlen=_TICKS_KEPT)

    def status(self) -> dict[str, Any]:
        """Answer of /status."""
        return {
            "refusing": self.refusing,
            "refused": self.refused,
            "orders": len(self.orders),
            "token_requests": self.token_requests,
            "last_tick": self.ticks[-1][0] if self.ticks else 0,
        }


class Desk:
    """Tokens and orders. The routes below /sandbox are what a test of the broker's clients may do to it."""

    def __init__(self, book: Book) -> None:
        self._book = book

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/status", self.status),
            web.post("/token", self.token),
            web.post("/orders", self.place),
            web.get("/orders", self.listed),
            web.get("/sandbox/orders", self.all_orders),
            web.post("/sandbox/refuse-tokens", self.refuse),
            web.post("/sandbox/accept-tokens", self.accept),
        ]

    async def status(self, _: web.Request) -> web.Response:
        return web.json_response(self._book.status())

    async def token(self, _: web.Request) -> web.Response:
        self._book.token_requests += 1
        if self._book.refusing:
            return web.json_response({"detail": "no tokens are issued now"}, status=503)
        token = secrets.token_hex(16)
        self._book.tokens.add(token)
        return web.json_response({"access_token": token, "expires_in": TOKEN_LASTS_S})

    async def place(self, request: web.Request) -> web.Response:
        self._check(request)
        body = await request.json()
        order = {"broker_order_id": len(self._book.orders) + 1, **body}
        self._book.orders.append(order)
        return web.json_response({"broker_order_id": order["broker_order_id"]}, status=201)

    async def listed(self, request: web.Request) -> web.Response:
        self._check(request)
        wanted = request.query.get("client_order_id")
        return self._answer([one for one in self._book.orders if wanted in (None, one["client_order_id"])], request)

    async def all_orders(self, request: web.Request) -> web.Response:
        return self._answer(self._book.orders, request)

    async def refuse(self, _: web.Request) -> web.Response:
        """All tokens are worth nothing from now on, and none is issued."""
        self._book.tokens.clear()
        self._book.refusing = True
        return web.json_response({"refusing": True})

    async def accept(self, _: web.Request) -> web.Response:
        self._book.refusing = False
        return web.json_response({"refusing": False})

    def _answer(self, orders: list[dict[str, Any]], request: web.Request) -> web.Response:
        """The newest first."""
        newest = orders[: -int(request.query.get("limit", _LIST_DEFAULT)) - 1 : -1]
        return web.json_response({"orders": newest, "count": len(newest)})

    def _check(self, request: web.Request) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Bearer" and token in self._book.tokens:
            return
        self._book.refused += 1
        raise web.HTTPUnauthorized(text="the token is not valid, or no longer")


class Market:
    """Numbered ticks: streamed to whoever listens, and to be had again by their numbers."""

    def __init__(self, book: Book, chance: Callable[[], float]) -> None:
        self._book = book
        self._chance = chance
        self._listeners: set[web.WebSocketResponse] = set()

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/stream", self.stream), web.get("/ticks", self.ticks)]

    async def run(self) -> None:
        """A tick each period, whoever listens."""
        price = 100.0
        while True:
            number = self._book.ticks[-1][0] + 1 if self._book.ticks else 1
            price = max(1.0, price + self._chance() - 0.5)
            self._book.ticks.append((number, round(price, 2)))
            await asyncio.gather(*(self._send(each, number, round(price, 2)) for each in self._listeners.copy()))
            await asyncio.sleep(TICK_S)

    async def _send(self, listener: web.WebSocketResponse, number: int, price: float) -> None:
        try:
            async with asyncio.timeout(_SEND_WITHIN_S):
                await listener.send_json({"seq": number, "price": price})
        except (OSError, TimeoutError):
            self._listeners.discard(listener)

    async def stream(self, request: web.Request) -> web.WebSocketResponse:
        listener = web.WebSocketResponse()
        await listener.prepare(request)
        self._listeners.add(listener)
        with contextlib.suppress(OSError):
            async for message in listener:
                if message.type == WSMsgType.ERROR:
                    break
        self._listeners.discard(listener)
        return listener

    async def ticks(self, request: web.Request) -> web.Response:
        first, last = int(request.query["from"]), int(request.query["to"])
        found = [{"seq": number, "price": price} for number, price in self._book.ticks if first <= number <= last]
        return web.json_response({"ticks": found})


def application(book: Book) -> tuple[web.Application, Market]:
    """The HTTP side, and what ticks."""
    market = Market(book, secrets.SystemRandom().random)
    app = web.Application()
    app.add_routes([*Desk(book).routes(), *market.routes()])
    return app, market


def main() -> int:
    """Run until told to stop."""
    parser = ArgumentParser(prog="python -m blackstart_lab.trader.broker", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    serving.log_to_stdout()
    app, market = application(Book())
    return asyncio.run(serving.serve(app, "127.0.0.1", options.port, jobs=(market.run,)))


if __name__ == "__main__":
    sys.exit(main())
