"""The sale in PostgreSQL: products with their stock, and orders."""

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from blackstart_lab.database import Database

SCHEMA = resources.files("blackstart_lab.flash_sale").joinpath("sale.sql").read_text()
WRITTEN, KNOWN, REFUSED = "written", "known", "refused"
_PERSIST = """
SELECT persist_order(o."orderId", o."productId", o."userId", to_timestamp(o.timestamp / 1000.0), coalesce(o.sale, ''))
FROM jsonb_to_recordset(%s::jsonb) AS o("orderId" text, "productId" text, "userId" text, timestamp float8, sale text)
"""


class Ledger:
    """Each call is one statement, and so one transaction. Raises DatabaseUnavailable; what it did is then unknown."""

    EXTRA_SCHEMA = ""

    def __init__(self, dsn: str, timeout_s: float) -> None:
        self.database = Database(dsn, timeout_s, SCHEMA + self.EXTRA_SCHEMA)

    async def persist(self, orders: Sequence[dict[str, Any]]) -> list[str]:
        """Write a batch, as Kafka carries it; what came of each: written, known (was there before) or refused."""
        rows = await self.database.call(_PERSIST, [json.dumps(orders)], again=True)
        return [row[0] for row in rows]

    async def open_sale(self, product: str, quantity: int, sale: str) -> None:
        """Set the stock and clear the product's orders."""
        await self.database.call("SELECT open_sale(%s, %s, %s)", [product, quantity, sale], again=True)

    async def ask(self) -> None:
        """Whether it answers; the first answer makes the tables."""
        await self.database.call("SELECT 1", again=True)
