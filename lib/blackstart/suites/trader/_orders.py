"""Orders and plans as the target says that they are placed, and where they must be found afterwards."""

import math
import shlex
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from blackstart.base.errors import BadTarget, did_you_mean
from blackstart.loads import Commands, OpenLoop, Operation, Retry, constant
from blackstart.model.experiment import Check
from blackstart.model.reading import Probe
from blackstart.model.target import Target
from blackstart.probes.http_column import HttpColumn
from blackstart.suites.trader._common import stored
from blackstart.suites.trader.link import is_in_container

BODY = '{"client_order_id": "{key}", "side": "{choice:BUY|SELL}", "quantity": {int:1-50}, "price": {int:90-110}}'


# A program takes time to start, each time: where orders are placed by one, fewer flow, and an answer may take longer.
ORDERS_PER_S = 10.0
COMMANDS_PER_S = 2.0
PLANS_PER_S = 1.0
START_S = 2.0
KEY_VARIABLE = "CLIENT_ORDER_ID"
KEYS = "keys"
"""What reads the keys in the database."""
# Of ten orders a second two are sent once more: some before, some during and some after an outage.
_AGAIN = Retry(times=8, after_s=1.0, max_after_s=4.0, acknowledged_every=5)
_COMMAND_AGAIN = replace(_AGAIN, after_s=2.0, acknowledged_every=3)
_COMMAND_KEYS = ("command", "host", "env", "key_env", "timeout_s", "ok_codes", "fail_codes", "rate_per_s")


def needed(target: Target, of_orders: Iterable[Check], slow: str = "") -> dict[str, tuple[str, ...]]:
    """What criteria `of_orders` are told by: that orders flow; for those of the database, that it can be asked; for the
    one called `slow`, what limits its calls."""
    names = tuple(check.name for check in of_orders if check.criterion)
    in_database = tuple(c.name for c in of_orders if c.criterion and c.params.get("source") == KEYS)
    needs = {"orders": names}
    if slow:
        needs["db_timeout_s"] = (slow,)
    if in_database and not ("postgres" in target.services and is_in_container(target, "postgres")):
        needs["database"] = in_database
    return needs


def flowing_orders(target: Target, timeout_s: float) -> OpenLoop | Commands | None:
    """Orders with keys of their own, by the route or the command in [orders]; None where the target has no [orders].

    A few plans flow among them where the target says how one is made. Those without a clear answer are sent again, and
    so are some that were acknowledged. Raises BadTarget for a table that is not valid.
    """
    table = dict(target.routes.get("orders", {}))
    if "command" in table:
        return _by_command(target, table, timeout_s + START_S)
    rate_per_s = table.pop("rate_per_s", ORDERS_PER_S)
    order = operation(target, "orders", timeout_s, without=("rate_per_s",))
    if order is None:
        return None
    plan = operation(target, "plans", timeout_s)
    try:
        if plan is None:
            return OpenLoop((order,), constant(rate_per_s), name="orders", retry=_AGAIN, max_in_flight=1000)
        # Half as many as its queue can place, so that it drains all that an outage leaves in it.
        most = min(PLANS_PER_S, float(target.fact("throttle_orders_per_s", 1.0)) / 2)
        orders = replace(order, weight=min(1000, max(1, math.ceil(rate_per_s / most))))
        stages = constant(rate_per_s * (1 + 1 / orders.weight))
        return OpenLoop((orders, plan), stages, name="orders", retry=_AGAIN, max_in_flight=1000)
    except (ValueError, TypeError) as error:
        raise _bad(target, "orders", error) from error


def _by_command(target: Target, table: dict[str, Any], timeout_s: float) -> Commands:
    if "route" in table:
        raise _bad(target, "orders", "it names a route and a command; orders are placed by one of them")
    for key in table:
        if key not in _COMMAND_KEYS:
            raise _bad(target, "orders", f'a command takes no "{key}".{did_you_mean(key, _COMMAND_KEYS)}')
    command = table.pop("command")
    try:
        argv = tuple(shlex.split(command) if isinstance(command, str) else command)
        rate_per_s = table.pop("rate_per_s", COMMANDS_PER_S)
        given = {"timeout_s": timeout_s, "key_env": KEY_VARIABLE, **table}
        return Commands(argv, constant(rate_per_s), name="orders", op="order", retry=_COMMAND_AGAIN, **given)
    except (ValueError, TypeError, BadTarget) as error:
        raise _bad(target, "orders", error) from error


def operation(target: Target, table: str, timeout_s: float, without: tuple[str, ...] = ()) -> Operation | None:
    """The request behind [orders] or [plans], but for the keys `without`; None where the target has no such table.

    Raises BadTarget for a table that is not valid.
    """
    if table not in target.routes:
        return None
    route: dict[str, Any] = {key: value for key, value in target.routes[table].items() if key not in without}
    if "route" not in route:
        also = "" if table != "orders" else ' or a command, as in command = "./place-order"'
        why = ": these are sent at once, which takes a route" if "command" in route else ""
        raise _bad(target, table, f'it names no route, as in route = "/{table}"{also}{why}')
    try:
        return Operation(
            name=table.removesuffix("s"),
            url=str(route.pop("route")),
            method=str(route.pop("method", "POST")),
            headers={"Content-Type": "application/json", **route.pop("headers", {})},
            body=str(route.pop("body", BODY)),
            timeout_s=float(route.pop("timeout_s", timeout_s)),
            **route,
        )
    except (ValueError, TypeError) as error:
        raise _bad(target, table, error) from error


def _bad(target: Target, table: str, what: object) -> BadTarget:
    return BadTarget(f'target "{target.name}", [{table}]: {what}')


def keys_in_database(target: Target, prefix: str) -> tuple[Probe, ...]:
    """All our keys that the database holds; nothing where it can't be asked."""
    query = (
        f"SELECT coalesce(json_agg({{key}}), '[]')::text FROM {{orders}} WHERE starts_with({{key}}::text, '{prefix}')"
    )
    return stored(target, query, KEYS)


def keys_at_orders(most: int, name: str = "keys_at_orders") -> HttpColumn:
    """All keys that /orders shows."""
    return HttpColumn(f"/orders?limit={most}", "orders", "client_order_id", name=name)
