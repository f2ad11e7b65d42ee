"""That a Redis is the gateway's own: a request with our API key leaves a counter of that key in it."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any

from blackstart.codec import plain
from blackstart.errors import BadTarget
from blackstart.loads import Operation
from blackstart.loads.template import Template
from blackstart.safety.link import Proof
from blackstart.systems.gateway import PAGE
from blackstart.target import Target, secret

OP = "request"
_TIMEOUT_S = 2.0
_ANSWER_TIMEOUT_S = 5.0
_LOOKED_AT = 10_000


def requests(target: Target, **changes: Any) -> Operation:
    """A request through the gateway, as the target's [requests] table says. Raises BadTarget where there is none."""
    route = dict(target.routes.get("requests", {}))
    if "route" not in route:
        raise BadTarget(
            f'target "{target.name}" names no way to send requests: [requests] route = "/api/v1/users/1", '
            'headers = { X-API-Key = "env:API_KEY" }'
        )
    try:
        made = Operation(
            name=OP,
            url=str(route.pop("route")),
            method=str(route.pop("method", "GET")),
            headers={**target.headers, **route.pop("headers", {})},
            timeout_s=_ANSWER_TIMEOUT_S,
            detail_from=str(route.pop("detail_from", "")),
            ok_details=tuple(route.pop("ok_details", ())),
        )
    except (ValueError, TypeError) as error:
        raise BadTarget(f'target "{target.name}", [requests]: {error}') from error
    if route:
        raise BadTarget(f'target "{target.name}", [requests]: no such key: {", ".join(sorted(route))}')
    return replace(made, **changes) if changes else made


def links(target: Target) -> tuple[Proof, ...]:
    """That Redis is the gateway's own."""
    return (LimiterCounts("redis", requests(target)),) if "redis" in target.services else ()


def metrics_pages() -> tuple[str, ...]:
    """Spring's page for Prometheus."""
    return (PAGE,)


@plain
class LimiterCounts:
    """Sends one request through the gateway and looks for the limiter's counter of its key in Redis."""

    service: str
    operation: Operation
    dsn: str = ""

    def bind(self, target: Target) -> LimiterCounts:
        """With whole addresses. Where the target gives no dsn, the address is taken."""
        service = target.service(self.service)
        dsn = service.dsn or f"redis://{service.address}"
        return replace(self, operation=self.operation.at(target.api, target.headers), dsn=dsn)

    def missing(self) -> str:
        """One request, one look."""
        import redis  # noqa: PLC0415  (declarations load no client)
        import requests  # noqa: PLC0415

        headers = {name: secret(value) for name, value in self.operation.headers.items()}
        key = headers.get("X-API-Key", "")
        if not key:
            return "the target's [requests] headers name no X-API-Key, by which the limiter's counter could be found"
        try:
            url = Template(self.operation.url).fill("link", 1, Random(1))
            requests.request(self.operation.method, url, headers=headers, timeout=_TIMEOUT_S)
        except requests.RequestException as error:
            return f"a request through the gateway failed: {error}"
        client = redis.Redis.from_url(secret(self.dsn), socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
        try:
            return "" if _has_counter(client, key) else f"no counter of our API key in the Redis at {self.dsn}"
        except redis.RedisError as error:
            return f"Redis can't be asked: {error}"
        finally:
            client.close()


def _has_counter(client: Any, key: str) -> bool:
    found = islice(client.scan_iter(match="rate_limit:*", count=1000), _LOOKED_AT)
    return any(key in name.decode("utf-8", "replace") for name in found)
