"""The sale put together from its parts. A mutant, or the application as it is coded, replaces some of them."""

import uuid
from collections.abc import Mapping
from typing import Any

from blackstart_lab.flash_sale import as_coded, mutants
from blackstart_lab.flash_sale.intake import Intake
from blackstart_lab.flash_sale.inventory import Inventory
from blackstart_lab.flash_sale.ledger import Ledger
from blackstart_lab.flash_sale.order_source import OrderSource
from blackstart_lab.flash_sale.order_topic import OrderTopic
from blackstart_lab.flash_sale.promise import AS_CODED, Settings
from blackstart_lab.flash_sale.reservations import Reservations

HEALTHY: dict[str, type[Any]] = {
    "reservations": Reservations,
    "topic": OrderTopic,
    "intake": Intake,
    "ledger": Ledger,
    "source": OrderSource,
    "inventory": Inventory,
}
"""Part name to class: the seams at which a mutant may put its own."""


def kinds(settings: Settings) -> Mapping[str, type[Any]]:
    """The class of each part."""
    if settings.mutant:
        return {**HEALTHY, **mutants.load(settings.mutant).parts}
    return {**HEALTHY, **as_coded.PARTS} if settings.promise.name == AS_CODED.name else HEALTHY


def new_instance_id() -> str:
    return str(uuid.uuid4())
