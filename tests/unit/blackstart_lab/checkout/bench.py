"""A bench for the checkout's parts: a real PostgreSQL behind a way that can be cut, and the real payment gateway."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psycopg
from aiohttp import web

from blackstart_lab.checkout.cart import Cart, Item
from blackstart_lab.checkout.checkouts import Checkouts, Opened
from blackstart_lab.checkout.failures import CheckoutError
from blackstart_lab.checkout.payments import FINE, Payments
from blackstart_lab.checkout.promise import PROMISED, Promise
from blackstart_lab.checkout.seams import HEALTHY

T = TypeVar("T")
CART = Cart("a customer", (Item("A-1", 2, 1250),))
OTHER = Cart("a customer", (Item("B-2", 1, 900),))


class Way:
    """TCP to a server, which can be cut, mute (nothing gets through, nothing ends), and whole again."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._through = asyncio.Event()
        self._through.set()
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def join(self) -> None:
        """As at the beginning."""
        self._through.set()
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Every connection ends, and new ones are refused."""
        self._server.close()
        for writer in self._open:
            writer.transport.abort()

    def mute(self) -> None:
        self._through.clear()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._upstream)
            self._open |= {writer, back}
            await asyncio.gather(self._pump(reader, back), self._pump(there, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._through.wait()
                writer.write(data)
        writer.close()


class Bench:
    """A checkout's parts; `run` gives them a loop, and leaves them when the story ends."""

    def __init__(self, dsn: str, parts: Mapping[str, type[Any]], moods: tuple[str, ...] = (FINE,), **promise: Any):
        self.dsn = dsn
        self.kind = {**HEALTHY, **parts}
        self.moods = moods
        self.promise: Promise = replace(PROMISED, **promise)
        self.way: Way
        self.payments_url: str
        self.checkouts: Checkouts

    def run(self, story: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async def whole() -> T:
            async with self._ready():
                return await story()

        return asyncio.run(whole())

    @contextlib.asynccontextmanager
    async def _ready(self) -> AsyncIterator[None]:
        gateway = Payments(self.dsn, self.moods)
        await gateway.book.call("SELECT 1")
        runner = web.AppRunner(gateway.application(), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.payments_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self.way = Way(urlsplit(self.dsn).port or 0)
        await self.way.join()
        try:
            async with self.instance() as self.checkouts:
                await self.checkouts.store.which()  # every table is there
                yield
        finally:
            await self.way.cut()
            await runner.cleanup()
            await gateway.book.close()

    @property
    def proxied_dsn(self) -> str:
        """By the way that can be cut."""
        return self.dsn.replace(str(urlsplit(self.dsn).port), str(self.way.port)) + "?sslmode=disable"

    @contextlib.asynccontextmanager
    async def instance(self) -> AsyncIterator[Checkouts]:
        """One more of them, as another process would be."""
        store = self.kind["store"](self.proxied_dsn, self.promise)
        limiter = self.kind["limiter"](self.promise.limit_per_s, self.promise.window_s)
        async with self.kind["payments"](self.payments_url, self.promise) as payments:
            yield self.kind["checkouts"](store, payments, limiter, self.promise)
        await store.database.close()

    async def ask(self, key: str, cart: Cart = CART, client: str = "") -> str:
        """The id of the session, or the code of the error."""
        return await asked(self.checkouts, key, cart, client)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Past the way."""
        with psycopg.connect(self.dsn) as connection:
            return connection.execute(query.encode()).fetchall()

    @property
    def sessions(self) -> list[str]:
        """The key of each session."""
        return [key for (key,) in self.rows("SELECT idempotency_key FROM checkout_sessions ORDER BY 1")]

    @property
    def charges(self) -> list[str]:
        """The purchase of each charge."""
        return [key for (key,) in self.rows("SELECT reference FROM payment_charges ORDER BY 1")]


Benches = Callable[..., Bench]


async def asked(checkouts: Checkouts, key: str, cart: Cart = CART, client: str = "") -> str:
    """As above."""
    try:
        opened: Opened = await checkouts.open(key, cart, client or key)
    except CheckoutError as error:
        return error.code
    return str(opened.session["id"])


async def until(fact: Callable[[], bool], within_s: float = 20.0) -> None:
    """Wait for it; the database is asked meanwhile in a thread."""
    async with asyncio.timeout(within_s):
        while not await asyncio.to_thread(fact):
            await asyncio.sleep(0.02)
