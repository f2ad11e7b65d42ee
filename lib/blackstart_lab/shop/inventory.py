"""`python -m blackstart_lab.shop.inventory`: one of the instances that keep the stock."""

import sys
from collections.abc import Sequence

from aiohttp import web

from blackstart_lab.shop import program, service
from blackstart_lab.shop.settings import Settings
from blackstart_lab.shop.stock import ADJUST, RELEASE, RESERVE, WON, Change

ROUTE = "/api/v1/inventory"
_MOST = 100


class Inventory(service.ShopService):
    """The instances share nothing but Redis and PostgreSQL."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.records = self.parts["records"](settings.dsn, settings.promise)
        self.lock = self.parts["lock"](settings.redis_url, settings.promise)
        self.stock = self.parts["stock"](self.records, self.lock, settings.name, self.series)
        self.products = self.parts["products"](self.discovery, settings.promise)

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return (
            web.post(f"{ROUTE}/reserve", self.reserve),
            web.post(f"{ROUTE}/release", self.release),
            web.post(f"{ROUTE}/adjust", self.adjust),
            web.get(f"{ROUTE}/{{product_id}}", self.left),
            web.put(f"{ROUTE}/{{product_id}}", self.make),
            web.get("/api/v1/reservations", self.reservations),
        )

    def jobs(self) -> Sequence[service.Job]:
        return (*super().jobs(), self.records.database.keep_warm)

    async def needs(self) -> dict[str, str]:
        return {"database": await self.records.which(), "redis": await self.lock.which()}

    async def reserve(self, request: web.Request) -> web.Response:
        """Take so many of a product for a reservation."""
        body = await service.body_of(request)
        product = service.text(body, "product_id")
        await self.products.need(product)
        change = Change(service.text(body, "reservation_id"), product, -service.whole(body, "quantity"), RESERVE)
        return await self._changed(change)

    async def release(self, request: web.Request) -> web.Response:
        """Give back what a reservation has taken, once; one that has taken nothing gives nothing back."""
        reservation = service.text(await service.body_of(request), "reservation_id")
        sql = "SELECT product_id, -delta FROM inventory_changes WHERE id = %s AND kind = %s"
        rows = await self.records.ask(sql, [reservation, RESERVE])
        if not rows:
            return web.json_response({"change": {"id": reservation, "outcome": "nothing"}})
        return await self._changed(Change(f"{reservation}:{RELEASE}", rows[0][0], int(rows[0][1]), RELEASE))

    async def adjust(self, request: web.Request) -> web.Response:
        """So many more, or fewer."""
        body = await service.body_of(request)
        delta = service.whole(body, "quantity", least=-(2**31))
        return await self._changed(Change(service.text(body, "id"), service.text(body, "product_id"), delta, ADJUST))

    async def _changed(self, change: Change) -> web.Response:
        outcome = await self.stock.change(change)
        told = {"id": change.id, "outcome": outcome, "instance": self.settings.name}
        return web.json_response({"change": told}, status=201 if outcome == WON else 200)

    async def left(self, request: web.Request) -> web.Response:
        product = request.match_info["product_id"]
        return web.json_response({"product_id": product, "quantity": await self.stock.left(product)})

    async def make(self, request: web.Request) -> web.Response:
        product = request.match_info["product_id"]
        quantity = service.whole(await service.body_of(request), "quantity", least=0)
        await self.stock.make(product, quantity)
        return web.json_response({"product_id": product, "quantity": quantity}, status=201)

    async def reservations(self, request: web.Request) -> web.Response:
        """Of a product, the last hundred."""
        sql = (
            "SELECT id, -delta FROM inventory_changes WHERE kind = %s AND product_id = %s ORDER BY token DESC LIMIT %s"
        )
        rows = await self.records.ask(sql, [RESERVE, request.query.get("product_id", ""), _MOST])
        return web.json_response({"reservations": [{"id": row[0], "quantity": int(row[1])} for row in rows]})

    async def close(self) -> None:
        await self.lock.close()
        await self.records.database.close()


if __name__ == "__main__":
    sys.exit(service.run(Inventory, program.settings()))
