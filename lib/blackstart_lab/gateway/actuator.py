"""The operations routes, in the form of Spring's actuator."""

from typing import Any

from aiohttp import web

from blackstart_lab.gateway.metrics import resident_bytes
from blackstart_lab.gateway.parts import Gateway


class Actuator:
    """GET routes of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/actuator/health", self.health),
            web.get("/actuator/metrics", self.names),
            web.get("/actuator/metrics/{name}", self.metric),
            web.get("/actuator/prometheus", self.prometheus),
            web.get("/actuator/circuitbreakers", self.breakers),
        ]

    async def health(self, _: web.Request) -> web.Response:
        """A gateway that fails open is UP without Redis; one that does not is DOWN, which Spring answers with 503."""
        gateway = self._gateway
        redis = "UP" if gateway.store.connected else "DOWN"
        status = "UP" if gateway.settings.profile.fail_open else redis
        body = {
            "status": status,
            "instance": gateway.instance_id,
            "components": {
                "redis": {"status": redis},
                "circuitBreakers": {"status": "UP", "details": {gateway.breaker.name: gateway.breaker.state}},
            },
        }
        return web.json_response(body, status=200 if status == "UP" else 503)

    async def breakers(self, _: web.Request) -> web.Response:
        breaker = self._gateway.breaker
        state, window, numbers = breaker.state, breaker.window, breaker.numbers
        window.forget(breaker.now())
        few = len(window) < numbers.min_calls
        details = {
            "failureRate": "-1.0%" if few else f"{window.percent(window.failed):.1f}%",
            "slowCallRate": "-1.0%" if few else f"{window.percent(window.slow):.1f}%",
            "failureRateThreshold": f"{numbers.failure_percent:.1f}%",
            "slowCallRateThreshold": f"{numbers.slow_percent:.1f}%",
            "bufferedCalls": len(window),
            "failedCalls": window.failed,
            "slowCalls": window.slow,
            "notPermittedCalls": breaker.refused,
            "state": state,
        }
        return web.json_response({"circuitBreakers": {breaker.name: details}})

    async def prometheus(self, _: web.Request) -> web.Response:
        gateway = self._gateway
        gateway.metrics.show_breaker(gateway.breaker.state)
        gateway.metrics.count_refused(gateway.breaker.refused)
        return gateway.page.answer()

    async def names(self, _: web.Request) -> web.Response:
        return web.json_response({"names": sorted(self._values())})

    async def metric(self, request: web.Request) -> web.Response:
        name, values = request.match_info["name"], self._values()
        if name not in values:
            return web.json_response({"status": 404, "error": "Not Found", "path": request.path}, status=404)
        return web.json_response({"name": name, "measurements": [{"statistic": "VALUE", "value": values[name]}]})

    def _values(self) -> dict[str, Any]:
        gateway = self._gateway
        return {
            "process.cpu.usage": gateway.metrics.cpu.of_limit(),
            "process.memory.rss": resident_bytes(),
            "executor.active": gateway.workers.active,
            "executor.pool.max": gateway.workers.limit,
            "resilience4j.circuitbreaker.not.permitted.calls": gateway.breaker.refused,
        }
