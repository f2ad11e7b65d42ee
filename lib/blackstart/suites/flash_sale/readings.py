"""The readings of a flash sale: what its queue, its stocks and its table of orders hold."""

import json
from collections.abc import Mapping
from typing import Any

from blackstart.base.codec import plain
from blackstart.base.errors import BadTarget, Refused
from blackstart.model.expect import Conditions
from blackstart.model.reading import Answer, Endpoint, Picked, Probe
from blackstart.model.target import Target
from blackstart.probes.control_state import ControlState
from blackstart.probes.http import HttpStatus
from blackstart.probes.kafka_lag import CommittedOffsets, ConsumerLag
from blackstart.probes.metrics import Metric
from blackstart.probes.redis_value import RedisCommand
from blackstart.probes.sql import SqlScalar

LAG, DONE = "lag", "done"


def health() -> HttpStatus:
    """Status of /health at the API."""
    return HttpStatus("/health", "health")


@plain("probe.one_life")
class OneLife(Conditions):
    """The one life of a service: when its process began, by its own metrics, else which process its control sees.
    Another value means a restart."""

    service: str

    @property
    def name(self) -> str:
        """`worker_process_start`."""
        return f"{self.service}_process_start".replace("-", "_")

    def bind(self, target: Target) -> Probe:
        """What there is: many a worker has no HTTP side."""
        if target.service(self.service).url:
            return Metric("process_start_time_seconds", path=f"{self.service}:/metrics", name=self.name).bind(target)
        return ControlState(self.service, field="process").bind(target)

    def endpoint(self) -> Endpoint:
        """None, before it is bound. Raises Refused."""
        raise Refused(f"the probe {self.name} was asked before it knew its target")

    def pick(self, answer: Answer) -> Picked:
        """As above."""
        raise Refused(f"the probe {self.name} was asked before it knew its target")


def lag(target: Target) -> ConsumerLag:
    """How many orders wait in Kafka for the worker, whether or not there is one."""
    return ConsumerLag(topic=topic(target), group=_queue(target).get("group", "inventory-group"), name=LAG)


def done(target: Target) -> CommittedOffsets:
    """How many orders the group has told Kafka to be done."""
    return CommittedOffsets(topic=topic(target), group=_queue(target).get("group", "inventory-group"), name=DONE)


def topic(target: Target) -> str:
    """Where the API puts orders for the worker, as the target's [kafka] says."""
    return _queue(target).get("topic", "orders")


def _queue(target: Target) -> dict[str, str]:
    table = dict(target.routes.get("kafka", {}))
    if set(table) - {"topic", "group"} or not all(isinstance(name, str) and name for name in table.values()):
        raise BadTarget(f'target "{target.name}", [kafka]: it takes topic = "orders" and group = "inventory-group"')
    return table


@plain("probe.stock")
class Stock(RedisCommand):
    """A count in Redis, which keeps it as text, as the number that it is."""

    def pick(self, answer: Answer) -> Picked:
        """The number."""
        kind, value, note = RedisCommand.pick(self, answer)
        if kind != "value":
            return kind, value, note
        try:
            return "value", int(str(value)), ""
        except ValueError:
            return "malformed", None, f"{str(value)[:40]!r} is no whole number"


def redis_stock(product: str, name: str) -> Stock:
    """What is left of a product as the API counts it."""
    return Stock(("GET", f"product:{product}:stock"), name=name)


def database_stock(product: str, name: str) -> SqlScalar:
    """What is left of a product as the worker counts it."""
    return SqlScalar(f"SELECT stock FROM products WHERE id = {quoted(product)}", name=name)


def database_total(prefix: str, product: str, name: str) -> SqlScalar:
    """What is left of a product, and the orders of it that our load placed, in one look of one statement."""
    its = f"product_id = {quoted(product)} AND starts_with(user_id, {quoted(prefix)})"
    total = f"stock + (SELECT count(*) FROM orders WHERE {its})"
    return SqlScalar(f"SELECT {total} FROM products WHERE id = {quoted(product)}", name=name)


def keys(prefix: str, name: str, *products: str) -> SqlScalar:
    """The users of all orders of these products that our load placed: each order of the load has a user of its own."""
    listed = ", ".join(map(quoted, products))
    return SqlScalar(
        "SELECT coalesce(json_agg(user_id), '[]')::text FROM orders "
        f"WHERE product_id IN ({listed}) AND starts_with(user_id, {quoted(prefix)})",
        name=name,
    )


def ids(prefix: str, name: str, *products: str) -> SqlScalar:
    """The id of each of these orders, and its user behind a space."""
    listed = ", ".join(map(quoted, products))
    return SqlScalar(
        "SELECT coalesce(json_agg(id || ' ' || user_id), '[]')::text FROM orders "
        f"WHERE product_id IN ({listed}) AND starts_with(user_id, {quoted(prefix)})",
        name=name,
    )


def strangers(prefix: str, *products: str) -> SqlScalar:
    """How many orders of these products nobody of our load has sent."""
    listed = ", ".join(map(quoted, products))
    own = f"starts_with(user_id, {quoted(prefix)})"
    return SqlScalar(f"SELECT count(*) FROM orders WHERE product_id IN ({listed}) AND NOT {own}", name="strangers")


def old_orders(prefix: str, *products: str) -> SqlScalar:
    """As `strangers`, once an order of our load is there, and absent before: what waited in the queue when the stock
    was set is written ahead of ours, and a table that was just cleared shows nothing of it."""
    listed = ", ".join(map(quoted, products))
    own = f"starts_with(user_id, {quoted(prefix)})"
    counted = f"count(*) FILTER (WHERE NOT {own}) FROM orders WHERE product_id IN ({listed})"
    return SqlScalar(f"SELECT {counted} HAVING count(*) FILTER (WHERE {own}) > 0", name="old_orders")


def placed(prefix: str) -> SqlScalar:
    """How many orders of our load are in the table."""
    return SqlScalar(f"SELECT count(*) FROM orders WHERE starts_with(user_id, {quoted(prefix)})", name="placed")


def quoted(text: str) -> str:
    """As a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def instances(target: Target) -> list[str]:
    """The services whose name begins with `api`, in the order of their names: those behind the load balancer."""
    return sorted(name for name, service in target.services.items() if name.startswith("api") and service.control)


def brokers(target: Target) -> list[str]:
    """The services whose name begins with `kafka`, `kafka` itself, which the others may need to start, first."""
    return sorted(name for name, service in target.services.items() if name.startswith("kafka") and service.control)


def body(product: str, given: Mapping[str, Any]) -> str:
    """An order of the load, whose user is its key."""
    return json.dumps({**given, "productId": product, "userId": "{key}"})
