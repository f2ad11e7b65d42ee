"""The lock alone: who believes that it is his writes what he has reckoned, however long ago."""

from blackstart_lab.shop.mutants import Mutant
from blackstart_lab.shop.product_lock import Held
from blackstart_lab.shop.stock import Change, Stock


class Unfenced(Stock):
    """The token is shown to nobody."""

    WHATEVER = "SELECT change_stock(%s, %s, %s, %s, %s, (SELECT fence FROM inventory WHERE product_id = %s), %s)"

    async def read(self, held: Held) -> int | None:
        rows = await self.records.ask("SELECT quantity FROM inventory WHERE product_id = %s", [held.product])
        return int(rows[0][0]) if rows else None

    async def write(self, change: Change, held: Held, left: int) -> str:
        told = [change.id, change.product, change.delta, change.kind, self.instance, change.product, left]
        rows = await self.records.ask(self.WHATEVER, told)
        return str(rows[0][0])


MUTANT = Mutant(
    summary="the database takes a write from whoever once had the lock, also from one whose lock has lapsed",
    experiment="split-brain",
    must_fail=("no_update_lost",),
    may_fail=("writes_in_turn", "one_winner"),
    parts={"stock": Unfenced},
)
