"""The routes that are passed on: who may use them, how many at once, how often, and what comes back."""

import time

from aiohttp import web

from blackstart_lab.gateway.errors import UpstreamUnavailable
from blackstart_lab.gateway.gate import REFUSED, REJECTED, Decision, Gate
from blackstart_lab.gateway.metrics import Metrics
from blackstart_lab.gateway.upstream_client import UpstreamClient
from blackstart_lab.gateway.workers import Workers


class Proxied:
    """401 without a key, 503 without a worker, 429 above the limit, else what the upstream says."""

    def __init__(self, gate: Gate, workers: Workers, upstream: UpstreamClient, metrics: Metrics) -> None:
        self.gate = gate
        self.workers = workers
        self.upstream = upstream
        self._requests = metrics.requests

    async def handle(self, request: web.Request) -> web.Response:
        """Any request below a proxied route; whatever it ends with is counted."""
        began = time.perf_counter()
        response = await self.answer(request)
        self._requests.labels(str(response.status)).observe(time.perf_counter() - began)
        return response

    async def answer(self, request: web.Request) -> web.Response:
        """Through key, worker and limit to the upstream."""
        api_key = request.headers.get("X-API-Key", "")
        if not api_key:
            return _problem(401, "X-API-Key is missing")
        if self.no_worker_is_free():
            return _problem(503, "no worker is free", {"Retry-After": "1"})
        with self.workers.one():
            decision = await self.gate.decide(api_key, request.rel_url.raw_path)
            return _early(decision) or await self._forward(request, decision)

    def no_worker_is_free(self) -> bool:
        return self.workers.are_all_taken()

    async def _forward(self, request: web.Request, decision: Decision) -> web.Response:
        body = await request.read() if request.can_read_body else b""
        headers = {"X-RateLimit-Mode": decision.mode}
        if body:
            headers["Content-Type"] = request.content_type
        try:
            answer = await self.upstream.forward(request.method, request.path_qs, headers, body)
        except UpstreamUnavailable as error:
            return _problem(error.status, str(error))
        return web.Response(
            body=answer.body, status=answer.status, content_type=answer.content_type, headers=_limit_headers(decision)
        )


def _early(decision: Decision) -> web.Response | None:
    """The answer where the request goes no further."""
    if decision.mode == REJECTED:
        return _problem(429, "too many requests", {**_limit_headers(decision), "Retry-After": "1"})
    if decision.mode == REFUSED:
        return _problem(decision.status, decision.why, {"Retry-After": "1"})
    return None


def _limit_headers(decision: Decision) -> dict[str, str]:
    headers = {"X-RateLimit-Mode": decision.mode}
    if decision.verdict is not None:
        headers["X-RateLimit-Limit"] = str(decision.verdict.limit)
        headers["X-RateLimit-Remaining"] = str(decision.verdict.remaining)
    return headers


def _problem(status: int, error: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response({"status": status, "error": error}, status=status, headers=headers)
