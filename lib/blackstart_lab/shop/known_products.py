"""Which products there are, as the catalog tells it; what was known is used on while the catalog is away."""

import aiohttp

from blackstart_lab.clock import now_s
from blackstart_lab.shop.discovery import Discovery
from blackstart_lab.shop.exceptions import NotFound, ShopError, Unreachable
from blackstart_lab.shop.settings import Promise

_ASKED_WITHIN_S = 0.5


class KnownProducts:
    """Asked for again when its time is over. A product that the catalog has removed is gone from then on."""

    def __init__(self, discovery: Discovery, promise: Promise) -> None:
        self.discovery, self.promise = discovery, promise
        self._known: dict[str, float] = {}

    async def need(self, product: str) -> None:
        """Raises NotFound where there is none, Unreachable where nobody can tell."""
        asked_s = self._known.get(product)
        if asked_s is not None and now_s() - asked_s < self.promise.cache_ttl_s:
            return
        try:
            there = await self.ask(product)
        except ShopError:
            self.unanswered(product)
            return
        if not there:
            self._known.pop(product, None)
            raise NotFound(f"the catalog has no product {product}")
        self._known[product] = now_s()

    def unanswered(self, product: str) -> None:
        """Raises Unreachable where it was never known."""
        if product not in self._known:
            raise Unreachable(f"the catalog can't be asked for {product}")

    async def ask(self, product: str) -> bool:
        """Raises Unreachable."""
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
