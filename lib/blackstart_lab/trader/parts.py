"""The trader put together from its parts. A mutant replaces one of them."""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from blackstart_lab.database import Database, DatabaseUnavailable
from blackstart_lab.event_log import EventLog
from blackstart_lab.metrics_page import Page
from blackstart_lab.trader.brokered import BrokeredOrders
from blackstart_lab.trader.config import THROTTLE_CAPACITY, Settings
from blackstart_lab.trader.desk import Desk
from blackstart_lab.trader.heart import Heart
from blackstart_lab.trader.lock import LeaderLock
from blackstart_lab.trader.market_data import SCHEMA as TICKS
from blackstart_lab.trader.market_data import MarketData
from blackstart_lab.trader.metrics import Metrics
from blackstart_lab.trader.orchestrator import Orchestrator
from blackstart_lab.trader.orders import OrderDesk
from blackstart_lab.trader.readiness import Readiness
from blackstart_lab.trader.session import BrokerSession
from blackstart_lab.trader.store import RedisStore
from blackstart_lab.trader.strategy import Strategy
from blackstart_lab.trader.throttle import Throttle

_TOO_MANY_TO_LOG = ("lock_refreshed", "order_placed")
HEALTHY: dict[str, type[Any]] = {
    "lock": LeaderLock,
    "orchestrator": Orchestrator,
    "heart": Heart,
    "orders": OrderDesk,
    "throttle": Throttle,
    "strategy": Strategy,
    "readiness": Readiness,
    "page": Page,
    "desk": Desk,
}
"""Part name to class: the seams at which a mutant may put its own."""
BROKERED: dict[str, type[Any]] = {"orders": BrokeredOrders, "session": BrokerSession, "market": MarketData}
"""Those that are other ones, or are there besides, where there is a broker."""


@dataclass(frozen=True)
class Trader:
    """One instance, ready to run."""

    settings: Settings
    instance_id: str
    events: EventLog
    metrics: Metrics
    desk: Desk
    store: RedisStore
    database: Database
    lock: LeaderLock
    orders: OrderDesk
    throttle: Throttle
    heart: Heart
    strategy: Strategy
    readiness: Readiness
    page: Page
    session: BrokerSession | None = None
    market: MarketData | None = None


def assemble(settings: Settings, replaced: Mapping[str, type[Any]]) -> Trader:
    """Build every part once; `replaced` names those that a mutant brings."""
    kind = {**HEALTHY, **(BROKERED if settings.broker_url else {}), **replaced}
    profile, instance_id = settings.profile, str(uuid.uuid4())
    events = EventLog(settings.events, instance_id, logging.getLogger("trader"), _TOO_MANY_TO_LOG)
    metrics, desk = Metrics(), kind["desk"](events)
    store = RedisStore(settings.redis_url, profile.redis_timeout_s)
    schema = kind["orders"].SCHEMA + kind["orders"].EXTRA_SCHEMA + (TICKS if settings.broker_url else "")
    database = Database(settings.dsn, profile.db_timeout_s, schema)

    async def take_token() -> int | None:
        try:
            rows = await database.call("SELECT take_token(%s)", [instance_id], again=True)
        except DatabaseUnavailable:
            return None  # leadership does not wait for the database; the first order asks again
        token: int = rows[0][0]
        return token

    lock = kind["lock"](store, profile, instance_id, events=events, take_token=take_token)
    lock.listener = kind["orchestrator"](instance_id, desk, metrics)
    heart = kind["heart"](metrics, lock)
    orders = kind["orders"](database, lock=lock, desk=desk, metrics=metrics, events=events)
    trader = Trader(
        settings=settings,
        instance_id=instance_id,
        events=events,
        metrics=metrics,
        desk=desk,
        store=store,
        database=database,
        lock=lock,
        orders=orders,
        throttle=kind["throttle"](orders, metrics, settings.orders_per_s, THROTTLE_CAPACITY),
        heart=heart,
        strategy=kind["strategy"](orders, heart, metrics, profile.scan_s),
        readiness=kind["readiness"](lock, heart, desk, events, settings.older_build),
        page=kind["page"](metrics.registry),
    )
    return _with_broker(trader, kind) if settings.broker_url else trader


def _with_broker(trader: Trader, kind: Mapping[str, type[Any]]) -> Trader:
    """The same with a session at the broker, which its orders go through, and market data from there."""
    settings, told = trader.settings, {"events": trader.events}
    session = kind["session"](settings.broker_url, settings.profile, lock=trader.lock, desk=trader.desk, **told)
    trader.orders.session = session
    told |= {"heart": trader.heart, "metrics": trader.metrics, "database": trader.database}
    market = kind["market"](settings.stream_url, session, settings.profile, **told)
    return replace(trader, session=session, market=market)
