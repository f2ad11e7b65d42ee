"""How requests go through a gateway, and the proof that a Redis is its own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from blackstart.base.errors import BadTarget
from blackstart.loads import Operation
from blackstart.model.link import Proof
from blackstart.model.target import Target
from blackstart.suites.gateway.limiter_link import LimiterCounts

OP = "request"
_ANSWER_TIMEOUT_S = 5.0


def requests(target: Target, **changes: Any) -> Operation:
    """A request through the gateway, as the target's [requests] table says. Raises BadTarget where there is none."""
    route = dict(target.routes.get("requests", {}))
    if "route" not in route:
        raise BadTarget(
            f'target "{target.name}" names no way to send requests: [requests] route = "/api/v1/users/1", '
            'headers = { X-API-Key = "env:API_KEY" }'
        )
    _refuse_bad(target.name, route)
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


def _refuse_bad(name: str, route: Mapping[str, Any]) -> None:
    """A word in place of a list would be read letter by letter."""
    details, headers = route.get("ok_details", []), route.get("headers", {})
    if not isinstance(details, list) or not all(isinstance(word, str) for word in details):
        raise BadTarget(f'target "{name}", [requests]: ok_details must be a list of text, as in ["counted"]')
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise BadTarget(
            f'target "{name}", [requests]: headers must be a table of text, as in {{ X-API-Key = "env:API_KEY" }}'
        )


def links(target: Target) -> tuple[Proof, ...]:
    """That Redis is the gateway's own."""
    return (LimiterCounts("redis", requests(target)),) if "redis" in target.services else ()
