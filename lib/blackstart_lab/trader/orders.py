"""Placing orders: as leader, not paused, once per client_order_id, and acknowledged only after the commit."""

from dataclasses import dataclass
from importlib import resources
from typing import Any

from blackstart_lab.database import Database, DatabaseUnavailable
from blackstart_lab.event_log import EventLog
from blackstart_lab.trader.desk import Desk
from blackstart_lab.trader.errors import BrokerUnavailable, Fenced, Mismatch, Refused
from blackstart_lab.trader.lock import LeaderLock
from blackstart_lab.trader.metrics import Metrics

PLACE = "SELECT outcome, placed_id FROM place_order(%s, %s, %s::numeric, %s::numeric, %s::bigint, %s)"
SCHEMA = resources.files("blackstart_lab.trader").joinpath("schema.sql").read_text()


@dataclass(frozen=True)
class Order:
    """What a client asks for; the client_order_id makes a repetition recognisable."""

    client_order_id: str
    side: str
    quantity: float
    price: float


@dataclass(frozen=True)
class Placed:
    """An order that is in the database; `duplicate` when it was there before."""

    order_id: int
    duplicate: bool


class OrderDesk:
    """The way into the `orders` table."""

    SCHEMA = SCHEMA
    EXTRA_SCHEMA = ""
    TABLE, KEY, NUMBER = "orders", "client_order_id", "order_id"

    def __init__(self, database: Database, *, lock: LeaderLock, desk: Desk, metrics: Metrics, events: EventLog) -> None:
        self.database = database
        self.lock = lock
        self.desk = desk
        self.metrics = metrics
        self.events = events

    def permit(self) -> None:
        """Raises Refused unless this instance leads beyond doubt and is not paused."""
        if not self.lock.certain():
            raise Refused("not leader")
        if self.desk.is_paused:
            raise Refused("paused")

    async def place(self, order: Order, order_type: str = "order") -> Placed:
        """Place it now. Raises Refused, Mismatch, Fenced, DatabaseUnavailable or BrokerUnavailable; all is recorded."""
        self.permit()
        try:
            placed = await self.insert(order)
        except (Mismatch, Fenced, DatabaseUnavailable, BrokerUnavailable) as error:
            self.metrics.orders_placed.labels(order_type=order_type, status="rejected").inc()
            self.events.write("order_rejected", client_order_id=order.client_order_id, reason=repr(error))
            raise
        status = "duplicate" if placed.duplicate else "placed"
        self.metrics.orders_placed.labels(order_type=order_type, status=status).inc()
        self.desk.trades_today += not placed.duplicate
        return placed

    async def insert(self, order: Order) -> Placed:
        """Write it, stamped with the fencing token of this leadership."""
        token = await self.lock.ensure_token()
        if token is None:
            raise DatabaseUnavailable("no fencing token could be taken")
        self.permit()  # asking for a token may have taken longer than the lease
        self.lock.acted()
        values = (order.client_order_id, order.side, order.quantity, order.price, token, self.lock.instance_id)
        rows = await self.write(values)
        outcome, order_id = rows[0]
        if outcome == "fenced":
            self.lock.drop_token()
            raise Fenced(f"token {token} is older than the newest leader's")
        if outcome == "mismatch":
            raise Mismatch(f"{order.client_order_id} is known with other parameters")
        if outcome == "placed":
            self.events.write("order_placed", client_order_id=order.client_order_id, token=token, order_id=order_id)
        return Placed(order_id, duplicate=outcome == "duplicate")

    async def write(self, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """The statement itself. It may run twice: the second time finds what the first has left."""
        return await self.database.call(PLACE, values, again=True)

    async def listed(self, client_order_id: str | None, limit: int) -> list[dict[str, Any]]:
        """The newest orders first, or the one that was asked for."""
        where, values = (f"WHERE {self.KEY} = %s", [client_order_id]) if client_order_id else ("", [])
        columns = f"{self.NUMBER}, {self.KEY}, placed_at, side, quantity, price, status"
        sql = f"SELECT {columns} FROM {self.TABLE} {where} ORDER BY {self.NUMBER} DESC LIMIT %s"
        rows = await self.database.call(sql, [*values, limit], again=True)
        return [
            {
                "order_id": order_id,
                "client_order_id": known_as,
                "timestamp": placed_at.isoformat(),
                "side": side,
                "quantity": float(quantity),
                "price": float(price),
                "status": status,
                "filled_quantity": 0.0,
            }
            for order_id, known_as, placed_at, side, quantity, price, status in rows
        ]
