"""`python -m blackstart_lab.shop.order`: takes orders."""

import sys
import uuid
from collections.abc import Sequence

from aiohttp import web

from blackstart_lab.gateway.breaker import CLOSED
from blackstart_lab.shop import program, service
from blackstart_lab.shop.orders import CANCELLED, PENDING, Order
from blackstart_lab.shop.settings import Settings

ROUTE = "/orders"
_MOST = 100
_STATUSES = {PENDING: 202, CANCELLED: 409}


class OrderService(service.ShopService):
    """It answers for itself alone: neither inventory nor broker is among what it needs."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        promise = settings.promise
        self.records = self.parts["records"](settings.dsn, promise)
        self.events = self.parts["events"](settings, self.series)
        self.breaker = self.parts["breaker"]("inventory", promise.breaker, self._breaker_changed)
        self.series.breaker_is("inventory", CLOSED)
        self.inventory = self.parts["inventory"](self.discovery, self.breaker, promise)
        self.orders = self.parts["orders"](self.records, self.inventory, self.events, promise, self.series)

    def _breaker_changed(self, before: str, to: str, why: str) -> None:
        self.series.breaker_is("inventory", to)
        self.log.write("breaker", before=before, to=to, why=why)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return (
            web.post(ROUTE, self.place),
            web.get(ROUTE, self.some),
            web.get(f"{ROUTE}/{{id}}", self.get),
            web.post(f"{ROUTE}/{{id}}/cancel", self.cancel),
        )

    def jobs(self) -> Sequence[service.Job]:
        return (
            *super().jobs(),
            self.records.database.keep_warm,
            self.orders.settle_left,
            self.events.replay,
        )

    async def needs(self) -> dict[str, str]:
        return {"database": await self.records.which()}

    async def place(self, request: web.Request) -> web.Response:
        """201 confirmed, 202 pending, 409 cancelled: too few are left."""
        body = await service.body_of(request)
        known = service.text(body, "order_id") if "order_id" in body else str(uuid.uuid4())
        order = Order(known, service.text(body, "product_id"), service.whole(body, "quantity"))
        placed = await self.orders.place(order)
        self.series.orders.labels(placed.status).inc()
        return web.json_response({"order": placed.told()}, status=_STATUSES.get(placed.status, 201))

    async def some(self, _: web.Request) -> web.Response:
        return web.json_response({"orders": [order.told() for order in await self.orders.some(_MOST)]})

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response({"order": (await self.orders.get(request.match_info["id"])).told()})

    async def cancel(self, request: web.Request) -> web.Response:
        return web.json_response({"order": (await self.orders.cancel(request.match_info["id"])).told()})

    async def metrics(self, request: web.Request) -> web.Response:
        self.series.breaker_is("inventory", self.breaker.state)  # an OPEN whose time is over has become HALF_OPEN
        return await super().metrics(request)

    async def run(self) -> int:
        async with self.inventory:
            return await super().run()

    async def close(self) -> None:
        await self.events.close()
        await self.records.database.close()


if __name__ == "__main__":
    sys.exit(service.run(OrderService, program.settings()))
