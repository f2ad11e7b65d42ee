"""The routes that only look."""

from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from blackstart_lab.clock import utc_now
from blackstart_lab.trader.metrics import SUPERVISOR_STATES
from blackstart_lab.trader.parts import Trader

_LIST_DEFAULT, _LIST_MAX = 100, 10_000


class Views:
    """GET routes of one trader."""

    def __init__(self, trader: Trader) -> None:
        self._trader = trader

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/health", self.health),
            web.get("/ready", self.ready),
            web.get("/state", self.state),
            web.get("/metrics", self.metrics),
            web.get("/metrics/", self.other_metrics),
            web.get("/leadership", self.leadership),
            web.get("/orders", self.orders),
            web.get("/positions", self.positions),
            web.get("/debug/supervisor/status", self.scan_supervisor),
        ]

    async def health(self, _: web.Request) -> web.Response:
        """Constant, as in the real system: it says that the process answers, and nothing of what it depends on."""
        desk = self._trader.desk
        body = {"status": "healthy", "mode": desk.mode, "is_paused": desk.manually_paused, "timestamp": utc_now()}
        return web.json_response(body)

    async def ready(self, _: web.Request) -> web.Response:
        status, body = self._trader.readiness.answer()
        return web.json_response(body, status=status)

    async def state(self, _: web.Request) -> web.Response:
        self._trader.lock.certain()
        desk = self._trader.desk
        body = {
            "timestamp": utc_now(),
            "mode": desk.mode,
            desk.PAUSED: desk.is_paused,
            "is_market_open": True,
            "positions_count": 0,
            "trades_today": desk.trades_today,
            "win_rate": 0.0,
            "daily_pnl": 0.0,
        }
        return web.json_response(body)

    async def metrics(self, _: web.Request) -> web.Response:
        self._trader.lock.certain()
        return self._trader.page.answer()

    async def other_metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def leadership(self, _: web.Request) -> web.Response:
        return web.json_response(self._trader.lock.report())

    async def orders(self, request: web.Request) -> web.Response:
        """Raises DatabaseUnavailable, which the application answers with 503."""
        text = request.query.get("limit", str(_LIST_DEFAULT))
        if not text.isdecimal() or not 1 <= int(text) <= _LIST_MAX:
            return web.json_response({"detail": f"limit must be 1 to {_LIST_MAX}"}, status=422)
        found = await self._trader.orders.listed(request.query.get("client_order_id"), int(text))
        return web.json_response({"orders": found, "count": len(found)})

    async def positions(self, _: web.Request) -> web.Response:
        return web.json_response({"positions": [], "count": 0})

    async def scan_supervisor(self, _: web.Request) -> web.Response:
        strategy = self._trader.strategy
        body: dict[str, Any] = {
            "state": 1,
            "state_label": SUPERVISOR_STATES[1],
            "ticks": strategy.ticks,
            "interval_s": strategy.scan_s,
        }
        return web.json_response(body)
