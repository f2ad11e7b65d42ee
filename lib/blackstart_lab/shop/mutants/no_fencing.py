"""The lock alone: who believes that it is his writes what he has reckoned, however long ago."""

from blackstart_lab.shop.mutants import Mutant
from blackstart_lab.shop.product_lock import Held
from blackstart_lab.shop.stock import Change, Stock


class Unfenced(Stock):
    """The token is shown to nobody."""

    async def read(self, held: Held) -> int | None:
        rows = await self.records.ask("SELECT quantity FROM inventory WHERE product_id = %s", [held.product])
        return int(rows[0][0]) if rows else None

    async def write(self, change: Change, held: Held, left: int) -> str:
        sql = "UPDATE inventory SET fence = %s WHERE product_id = %s"
        await self.records.ask(sql, [held.token, held.product], again=False)
        return await super().write(change, held, left)


MUTANT = Mutant(
    summary="the database takes a write from whoever once had the lock, also from one whose lock has lapsed",
    experiment="split-brain",
    must_fail=("no_update_lost",),
    may_fail=("writes_in_turn", "one_winner"),
    parts={"stock": Unfenced},
)
