"""The routes that act: orders and plans, pause, resume, flatten, mode."""

import json
import math
from typing import Any

from aiohttp import web

from blackstart_lab.clock import utc_now
from blackstart_lab.trader.desk import LIVE_CONFIRMATION, MODES
from blackstart_lab.trader.orders import Order
from blackstart_lab.trader.parts import Trader

GUARDED = ("/pause", "/resume", "/flatten", "/mode")
"""Routes that ask for X-Ops-Key where the trader was given one."""


class Invalid(Exception):
    """A body that can't be understood; answered with 422."""


class Controls:
    """POST routes of one trader."""

    def __init__(self, trader: Trader) -> None:
        self._trader = trader

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/orders", self.place),
            web.post("/plans", self.plan),
            web.post("/pause", self.pause),
            web.post("/resume", self.resume),
            web.post("/flatten", self.flatten),
            web.post("/mode", self.mode),
        ]

    async def place(self, request: web.Request) -> web.Response:
        order = await _order(request)
        placed = await self._trader.orders.place(order)
        body = {"order_id": placed.order_id, "client_order_id": order.client_order_id, "status": "PLACED"}
        if placed.duplicate:
            return web.json_response({**body, "duplicate": True})
        return web.json_response(body, status=201)

    async def plan(self, request: web.Request) -> web.Response:
        order = await _order(request)
        throttle = self._trader.throttle
        body = {"client_order_id": order.client_order_id}
        if not throttle.submit(order):
            return web.json_response({"status": "duplicate", **body})
        return web.json_response({"status": "queued", **body, "depth": throttle.depth}, status=202)

    async def pause(self, _: web.Request) -> web.Response:
        self._trader.desk.manually_paused = True
        self._trader.desk.pause("asked for")
        return web.json_response({"status": "paused", "timestamp": utc_now()})

    async def resume(self, _: web.Request) -> web.Response:
        self._trader.desk.resume("asked for")
        return web.json_response({"status": "resumed", "timestamp": utc_now()})

    async def flatten(self, request: web.Request) -> web.Response:
        """Writes the audit row before it pauses; without PostgreSQL it fails and trading goes on, like the real one."""
        reason = request.query.get("reason", "")
        await self._trader.database.call("INSERT INTO audit (action, detail) VALUES ('flatten', %s)", [reason])
        self._trader.desk.manually_paused = True
        self._trader.desk.pause("flattened")
        return web.json_response({"status": "flattened", "timestamp": utc_now()})

    async def mode(self, request: web.Request) -> web.Response:
        body = await _json(request)
        mode = body.get("mode")
        if mode not in MODES:
            return web.json_response({"detail": f"mode must be one of {', '.join(MODES)}"}, status=400)
        if mode == "LIVE" and body.get("confirmation") != LIVE_CONFIRMATION:
            return web.json_response({"detail": f'LIVE needs confirmation "{LIVE_CONFIRMATION}"'}, status=403)
        self._trader.desk.set_mode(mode)
        return web.json_response({"status": "ok", "mode": mode, "timestamp": utc_now()})


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text())
    except ValueError as error:
        raise Invalid(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Invalid("the body must be a JSON object")
    return body


async def _order(request: web.Request) -> Order:
    body = await _json(request)
    client_order_id, side = body.get("client_order_id"), body.get("side")
    if not isinstance(client_order_id, str) or not 1 <= len(client_order_id) <= 200 or "\0" in client_order_id:
        raise Invalid("client_order_id must be a text of 1 to 200 characters")
    if side not in ("BUY", "SELL"):
        raise Invalid("side must be BUY or SELL")
    return Order(client_order_id, side, _amount(body, "quantity"), _amount(body, "price"))


def _amount(body: dict[str, Any], name: str) -> float:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise Invalid(f"{name} must be a number above 0")
    return float(value)
