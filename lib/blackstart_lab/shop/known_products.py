"""Which products there are, as the catalog tells it; what was known is used on while it is asked again, or is away."""

import asyncio
from contextlib import suppress

import aiohttp

from blackstart_lab.clock import now_s
from blackstart_lab.shop.discovery import Discovery
from blackstart_lab.shop.exceptions import NotFound, ShopError, Unreachable
from blackstart_lab.shop.settings import Promise

_ASKED_WITHIN_S = 2.0


class KnownProducts:
    """Nobody waits for the catalog but who asks for a product that was never known."""

    def __init__(self, discovery: Discovery, promise: Promise) -> None:
        self.discovery, self.promise = discovery, promise
        self._known: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[bool]] = {}

    async def need(self, product: str) -> None:
        """Raises NotFound where there is none, Unreachable where nobody can tell."""
        asked_s = self._known.get(product)
        if asked_s is None:
            if not await asyncio.shield(self.renewed(product)):
                raise NotFound(f"the catalog has no product {product}")
        elif now_s() - asked_s >= self.promise.cache_ttl_s:
            self.renewed(product)

    def renewed(self, product: str) -> "asyncio.Task[bool]":
        """The one question that is under way, whoever waits for it."""
        if product not in self._asking:
            task = self._asking[product] = asyncio.create_task(self._renew(product))
            task.add_done_callback(lambda done: self._asked(product, done))
        return self._asking[product]

    def _asked(self, product: str, done: "asyncio.Task[bool]") -> None:
        del self._asking[product]
        with suppress(ShopError, asyncio.CancelledError):  # who waits for it is told; else it is asked again
            done.result()

    async def _renew(self, product: str) -> bool:
        there = await self.ask(product)
        if there:
            self._known[product] = now_s()
        else:
            self._known.pop(product, None)
        return there

    async def ask(self, product: str) -> bool:
        """Whether the catalog has it. Raises Unreachable."""
        url = f"{(await self.discovery.addresses('product-catalog'))[0]}/api/v1/products/{product}"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_ASKED_WITHIN_S)) as session,
                session.get(url) as answer,
            ):
                if answer.status not in (200, 404):
                    raise Unreachable(f"the catalog answered {answer.status}")
                return answer.status == 200
        except (TimeoutError, aiohttp.ClientError) as error:
            raise Unreachable(f"the catalog: {error or type(error).__name__}") from error
