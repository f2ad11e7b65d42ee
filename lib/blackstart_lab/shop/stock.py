"""Changes of stock: one at a time for each product, whichever instance makes them, and each attempt in the audit.

The holder of the lock shows its token when it reads the stock, and again when it writes what it has reckoned from it.
The database takes neither from one whose token is no longer the newest.
"""

from dataclasses import dataclass

from blackstart_lab.shop.counters import ShopSeries
from blackstart_lab.shop.exceptions import Conflict, NotFound, StockUnavailable
from blackstart_lab.shop.product_lock import Held, LockRefused, ProductLock
from blackstart_lab.shop.records import Records

RESERVE, RELEASE, ADJUST = "reserve", "release", "adjust"
WON, KNOWN, STALE, REFUSED, ATTEMPTED = "won", "known", "stale", "refused", "attempted"
_AUDIT = "INSERT INTO inventory_audit (change_id, product_id, instance, token, outcome) VALUES (%s, %s, %s, %s, %s)"


@dataclass(frozen=True)
class Change:
    """`delta` units more of a product. Two with the same id are the same change."""

    id: str
    product: str
    delta: int
    kind: str


class Stock:
    """Raises Unreachable; what was done is then unknown, and the same change again finds out."""

    READ = "UPDATE inventory SET fence = %s WHERE product_id = %s AND fence < %s RETURNING quantity"
    WRITE = "SELECT change_stock(%s, %s, %s, %s, %s, %s, %s)"

    def __init__(self, records: Records, lock: ProductLock, instance: str, series: ShopSeries) -> None:
        self.records, self.lock = records, lock
        self.instance, self.series = instance, series
        self.tries = lock.promise.tries

    async def change(self, change: Change) -> str:
        """Won, or known from before. Raises Conflict (too little is left), NotFound, StockUnavailable."""
        for _ in range(self.tries):
            await self.audit(change, ATTEMPTED)  # first: what can't be recorded is not attempted
            try:
                held = await self.lock.take(change.product)
            except LockRefused as error:
                await self.audit(change, REFUSED)
                raise StockUnavailable(str(error)) from error
            try:
                outcome = await self._holding(change, held)
            finally:
                await self.lock.release(held)
            if outcome != STALE:
                return outcome
        raise StockUnavailable(f"{change.product}: another holder of the lock came {self.tries} times in between")

    async def _holding(self, change: Change, held: Held) -> str:
        quantity = await self.read(held)
        if quantity is None:
            return await self._not_read(change, held)
        left = quantity + change.delta
        if left < 0 and not await self.known(change):
            await self.audit(change, REFUSED, held.token)
            raise Conflict(f"{quantity} of {change.product} are left")
        return await self.write(change, held, max(left, 0))

    async def read(self, held: Held) -> int | None:
        """What is left, having shown the token; None where a newer one was shown, or there is no such product."""
        rows = await self.records.ask(self.READ, [held.token, held.product, held.token], again=False)
        return int(rows[0][0]) if rows else None

    async def write(self, change: Change, held: Held, left: int) -> str:
        """The change, its stock and its line in the audit, or none of them."""
        told = [change.id, change.product, change.delta, change.kind, self.instance, held.token, left]
        rows = await self.records.ask(self.WRITE, told)
        outcome = str(rows[0][0])
        self.series.attempts.labels(outcome).inc()
        return outcome

    async def _not_read(self, change: Change, held: Held) -> str:
        if not await self.records.ask("SELECT 1 FROM inventory WHERE product_id = %s", [held.product]):
            await self.audit(change, REFUSED, held.token)
            raise NotFound(f"there is no inventory of {held.product}")
        await self.audit(change, STALE, held.token)
        return STALE

    async def known(self, change: Change) -> bool:
        """Whether it was made before."""
        return bool(await self.records.ask("SELECT 1 FROM inventory_changes WHERE id = %s", [change.id]))

    async def audit(self, change: Change, outcome: str, token: int | None = None) -> None:
        """One more line, of an attempt that has begun, or has ended without changing anything."""
        await self.records.ask(_AUDIT, [change.id, change.product, self.instance, token, outcome], again=False)
        self.series.attempts.labels(outcome).inc()

    async def make(self, product: str, quantity: int) -> None:
        """The inventory of a product that has none. Raises Conflict where it has one."""
        sql = "INSERT INTO inventory (product_id, quantity) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING 1"
        if not await self.records.ask(sql, [product, quantity], again=False):
            raise Conflict(f"there is an inventory of {product} already; adjust it")

    async def left(self, product: str) -> int:
        """How many there are. Raises NotFound."""
        rows = await self.records.ask("SELECT quantity FROM inventory WHERE product_id = %s", [product])
        if not rows:
            raise NotFound(f"there is no inventory of {product}")
        return int(rows[0][0])
