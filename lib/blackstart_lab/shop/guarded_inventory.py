"""The inventory as order sees it: every call has a limit, and a breaker around all of them."""

import aiohttp

from blackstart_lab.gateway.breaker import Breaker
from blackstart_lab.shop.discovery import Discovery
from blackstart_lab.shop.exceptions import ShopError, Unreachable
from blackstart_lab.shop.settings import Promise

TAKEN, TOO_FEW = "taken", "too few"


class GuardedInventory:
    """Raises Unreachable; whether it was reserved is then unknown, and asking again does nothing twice."""

    def __init__(self, discovery: Discovery, breaker: Breaker, promise: Promise) -> None:
        self.discovery, self.breaker, self.promise = discovery, breaker, promise

    async def __aenter__(self) -> "GuardedInventory":
        limit = aiohttp.ClientTimeout(total=self.promise.call_timeout_s)
        self.session = aiohttp.ClientSession(timeout=limit)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def reserve(self, reservation: str, product: str, quantity: int) -> str:
        """Taken, or too few are left."""
        body = {"reservation_id": reservation, "product_id": product, "quantity": quantity}
        return TAKEN if await self._guarded("reserve", body) in (200, 201) else TOO_FEW

    async def release(self, reservation: str) -> None:
        """Give back whatever it has taken."""
        await self._guarded("release", {"reservation_id": reservation})

    async def _guarded(self, what: str, body: dict[str, object]) -> int:
        permit = self.breaker.acquire()
        if permit is None:
            raise Unreachable("the breaker of inventory is open")
        failed = True
        try:
            status = await self.call(what, body)
            failed = False
        finally:
            self.breaker.record(permit, failed)
        return status

    async def call(self, what: str, body: dict[str, object]) -> int:
        """200, 201, 404 or 409, of the instance whose turn it is. Raises Unreachable."""
        try:
            address = (await self.discovery.addresses("inventory"))[0]
            async with self.session.post(f"{address}/api/v1/inventory/{what}", json=body) as answer:
                if answer.status not in (200, 201, 404, 409):
                    raise Unreachable(f"inventory answered {answer.status}")
                return answer.status
        except (TimeoutError, aiohttp.ClientError) as error:
            raise Unreachable(f"inventory: {error or type(error).__name__}") from error
        except ShopError as error:
            raise Unreachable(str(error)) from error
