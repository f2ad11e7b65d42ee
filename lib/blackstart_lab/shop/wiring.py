"""The shop put together from its parts. A mutant replaces some of them."""

from collections.abc import Mapping
from typing import Any

from blackstart_lab.gateway.breaker import Breaker
from blackstart_lab.shop import mutants
from blackstart_lab.shop.catalog import Catalog
from blackstart_lab.shop.discovery import Discovery
from blackstart_lab.shop.event_source import EventSource
from blackstart_lab.shop.event_writer import EventWriter
from blackstart_lab.shop.events import Events
from blackstart_lab.shop.guarded_inventory import GuardedInventory
from blackstart_lab.shop.known_products import KnownProducts
from blackstart_lab.shop.orders import Orders
from blackstart_lab.shop.product_lock import ProductLock
from blackstart_lab.shop.records import Records
from blackstart_lab.shop.stock import Stock
from blackstart_lab.shop.written_events import WrittenEvents

HEALTHY: dict[str, type[Any]] = {
    "discovery": Discovery,
    "records": Records,
    "events": Events,
    "source": EventSource,
    "written": WrittenEvents,
    "writer": EventWriter,
    "breaker": Breaker,
    "inventory": GuardedInventory,
    "orders": Orders,
    "lock": ProductLock,
    "stock": Stock,
    "products": KnownProducts,
    "catalog": Catalog,
}
"""Part name to class: the seams at which a mutant may put its own."""


def parts(mutant: str | None) -> Mapping[str, type[Any]]:
    """The class of each part."""
    return {**HEALTHY, **mutants.load(mutant).parts} if mutant else HEALTHY
