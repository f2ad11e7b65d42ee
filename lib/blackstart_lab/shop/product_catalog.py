"""`python -m blackstart_lab.shop.product_catalog`: the products, and a leak that can be asked for."""

import sys
from collections.abc import Sequence

from aiohttp import web

from blackstart_lab.servers import memory_limit
from blackstart_lab.shop import program, service
from blackstart_lab.shop.settings import Settings

ROUTE = "/api/v1/products"
_LEAK_BYTES = 10_000_000
_UNWELL_SHARE = memory_limit.NEAR


class ProductCatalog(service.ShopService):
    """Near its memory limit it says that it is not ready, so that whoever balances load sends it elsewhere."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.records = self.parts["records"](settings.dsn, settings.promise)
        self.catalog = self.parts["catalog"](self.records)
        self._leaked: list[bytes] = []

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return (
            web.post(ROUTE, self.add),
            web.get(ROUTE, self.search),
            web.get(f"{ROUTE}/search", self.search),
            web.get(f"{ROUTE}/{{id}}", self.get),
            web.put(f"{ROUTE}/{{id}}", self.rename),
            web.delete(f"{ROUTE}/{{id}}", self.remove),
            web.get("/leak", self.leak),
        )

    def jobs(self) -> Sequence[service.Job]:
        return (*super().jobs(), self.records.database.keep_warm)

    async def needs(self) -> dict[str, str]:
        return {"database": await self.records.which(), "memory": self._memory()}

    def _memory(self) -> str:
        used_mb = service.resident_bytes() / 1e6
        limit_mb = self.promise.memory_limit_mb
        return f"{used_mb:.0f} of {limit_mb} MB" if used_mb < _UNWELL_SHARE * limit_mb else ""

    async def add(self, request: web.Request) -> web.Response:
        body = await service.body_of(request)
        product = {name: service.text(body, name) for name in ("id", "name")}
        return web.json_response({"product": await self.catalog.add(product)}, status=201)

    async def search(self, request: web.Request) -> web.Response:
        return web.json_response({"products": await self.catalog.search(request.query.get("q", ""))})

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response({"product": await self.catalog.get(request.match_info["id"])})

    async def rename(self, request: web.Request) -> web.Response:
        product = {"id": request.match_info["id"], "name": service.text(await service.body_of(request), "name")}
        return web.json_response({"product": await self.catalog.rename(product)})

    async def remove(self, request: web.Request) -> web.Response:
        await self.catalog.remove(request.match_info["id"])
        return web.Response(status=204)

    async def leak(self, _: web.Request) -> web.Response:
        """Ten million bytes more that nobody frees."""
        self._leaked.append(b"\1" * _LEAK_BYTES)
        return web.json_response({"size": len(self._leaked)})

    async def close(self) -> None:
        await self.records.database.close()


if __name__ == "__main__":
    sys.exit(service.run(ProductCatalog, program.settings()))
