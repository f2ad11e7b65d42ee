"""`python -m blackstart_lab.flash_sale.api`: one instance of the ingestion API, as the supervisor starts it."""

import asyncio
import logging
import sys
import time
import uuid
from typing import Any

from aiohttp import web

from blackstart_lab import serving
from blackstart_lab.database import DatabaseUnavailable
from blackstart_lab.event_log import EventLog
from blackstart_lab.flash_sale import program, seams
from blackstart_lab.flash_sale.failures import StoreUnreachable
from blackstart_lab.flash_sale.intake import ERROR, IGNORED, REDIRECTED, SUCCESS
from blackstart_lab.flash_sale.promise import Settings
from blackstart_lab.flash_sale.reservations import SOLD_OUT, Order
from blackstart_lab.flash_sale.series import ApiSeries

log = logging.getLogger("sale")

KEY = "x-idempotency-key"
_LONGEST = 200


class Invalid(Exception):
    """A request that can't be understood; answered with 400."""


class Api:
    """The routes of one instance."""

    def __init__(self, settings: Settings) -> None:
        kind, self.settings = seams.kinds(settings), settings
        self.instance_id = seams.new_instance_id()
        self.events = EventLog(settings.events, self.instance_id, log)
        self.series = ApiSeries()
        self.reservations = kind["reservations"](settings.redis_url, settings.promise)
        self.topic = kind["topic"](settings.kafka, settings.promise, settings.topic)
        self.intake = kind["intake"](self.reservations, self.topic)
        self.ledger = kind["ledger"](settings.dsn, settings.promise.db_timeout_s)

    def application(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.post("/init", self.init),
                web.post("/order", self.order),
                web.get("/health", self.health),
                web.get("/metrics", self.series.page),
            ]
        )
        return app

    async def health(self, _: web.Request) -> web.Response:
        """That it answers. To lack Kafka is no reason to be left out by the balancer: the others lack it, too."""
        kafka = "up" if self.topic.ready else "down"
        return web.json_response({"status": "ok", "instance": self.instance_id, "kafka": kafka})

    async def init(self, request: web.Request) -> web.Response:
        """Open a sale. Closed meanwhile, so that no order is taken for the one before."""
        try:
            body = await _json(request)
            product, quantity = _text(body, "productId"), _quantity(body)
        except Invalid as error:
            return web.json_response({"error": str(error)}, status=400)
        try:
            await self.open_sale(product, quantity)
        except (DatabaseUnavailable, StoreUnreachable) as error:
            log.error("no sale of %s was opened: %s", product, error)
            return web.json_response({"status": "error", "msg": f"Sale not opened: {error}"}, status=500)
        self.events.write("sale_opened", product=product, quantity=quantity)
        return web.json_response({"status": "ok", "msg": f"Stock of {product} set to {quantity}"})

    async def open_sale(self, product: str, quantity: int) -> None:
        """Raises DatabaseUnavailable or StoreUnreachable; the stock is then 0, or as it was."""
        sale = str(uuid.uuid4())
        await self.reservations.close_sale(product)
        await self.ledger.open_sale(product, quantity, sale)
        await self.reservations.open_sale(product, quantity, sale)

    async def order(self, request: web.Request) -> web.Response:
        """One order; whatever it ends with is counted."""
        began = time.perf_counter()
        status, response = await self._answer(request)
        self.series.orders[status].inc()
        self.series.seconds[status].observe(time.perf_counter() - began)
        return response

    async def _answer(self, request: web.Request) -> tuple[str, web.Response]:
        key = request.headers.get(KEY, "")
        if not key:
            return "invalid", web.json_response({"error": "Missing Idempotency Key"}, status=400)
        try:
            body = await _json(request)
            order = Order(key, _text(body, "productId"), _text(body, "userId"), int(time.time() * 1000))
            if len(key) > _LONGEST:
                raise Invalid(f"{KEY} is longer than {_LONGEST} characters")
        except Invalid as error:
            return "invalid", web.json_response({"error": str(error)}, status=400)
        outcome = await self.intake.place(order)
        return outcome, self._response(outcome, order)

    def _response(self, outcome: str, order: Order) -> web.Response:
        if outcome == REDIRECTED:
            return web.Response(status=302, headers={"Location": self.settings.waiting_room})
        status, body = {
            SUCCESS: (200, {"status": "success", "msg": "Order accepted", "orderId": order.order_id}),
            IGNORED: (200, {"status": "ignored", "msg": "Duplicate request"}),
            SOLD_OUT: (409, {"status": "sold_out", "msg": "Inventory empty"}),
            ERROR: (500, {"status": "error", "msg": "Order processing failed"}),
        }[outcome]
        return web.json_response(body, status=status)

    async def run(self) -> int:
        """Until it is told to stop."""
        self.events.write("started", mutant=self.settings.mutant)
        # Only then to the load balancer: one that could not yet send an order would be asked for it.
        await self.topic.connect()
        jobs = (self.topic.keep_connected, self.intake.finish_left)
        code = await serving.serve(self.application(), self.settings.host, self.settings.port, jobs)
        await asyncio.to_thread(self.topic.close)
        await self.reservations.close()
        await self.ledger.database.close()
        return code


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        body = await request.json()
    except ValueError as error:
        raise Invalid(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Invalid("the body must be a JSON object")
    return body


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST or "\0" in value:
        raise Invalid(f"{name} must be a text of 1 to {_LONGEST} characters")
    return value


def _quantity(body: dict[str, Any]) -> int:
    value = body.get("quantity")
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise Invalid("quantity must be a whole number from 0 on")
    return value


if __name__ == "__main__":
    sys.exit(asyncio.run(Api(program.settings("api")).run()))
