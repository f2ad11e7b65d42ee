"""Orders and plans as the target says that they are placed, and where they must be found afterwards."""

from __future__ import annotations

from typing import Any

from blackstart.errors import BadTarget
from blackstart.loads import Operation
from blackstart.model import Probe
from blackstart.probes.http_column import HttpColumn
from blackstart.suites.trader._common import stored
from blackstart.target import Target

BODY = '{"client_order_id": "{key}", "side": "{choice:BUY|SELL}", "quantity": {int:1-50}, "price": {int:90-110}}'


def operation(target: Target, table: str, timeout_s: float) -> Operation | None:
    """The request behind [orders] or [plans]; None where the target names none. Raises BadTarget for a wrong one."""
    route: dict[str, Any] = dict(target.routes.get(table, {}))
    if "route" not in route:
        return None
    try:
        return Operation(
            name=table.removesuffix("s"),
            url=str(route.pop("route")),
            method=str(route.pop("method", "POST")),
            headers={"Content-Type": "application/json", **route.pop("headers", {})},
            body=str(route.pop("body", BODY)),
            timeout_s=timeout_s,
            **route,
        )
    except (ValueError, TypeError) as error:
        raise BadTarget(f'target "{target.name}", [{table}]: {error}') from error


def keys_in_database(target: Target, prefix: str) -> tuple[Probe, ...]:
    """All our keys that the database holds; nothing where it can't be asked."""
    query = (
        "SELECT coalesce(json_agg(client_order_id), '[]')::text FROM orders "
        f"WHERE starts_with(client_order_id, '{prefix}')"
    )
    return stored(target, query, "keys")


def keys_at_orders(most: int) -> HttpColumn:
    """All keys that /orders shows."""
    return HttpColumn(f"/orders?limit={most}", "orders", "client_order_id", name="keys_at_orders")
