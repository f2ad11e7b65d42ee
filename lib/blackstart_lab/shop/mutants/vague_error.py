"""What lacks a connection fails without saying of what."""

from collections.abc import Sequence

from blackstart_lab.database import Rows
from blackstart_lab.shop.exceptions import NoDatabase, ShopError
from blackstart_lab.shop.mutants import Mutant
from blackstart_lab.shop.records import Records


class VagueError(Records):
    """500, and nobody knows why."""

    async def ask(self, sql: str, values: Sequence[object] = (), *, again: bool = True) -> Rows:
        try:
            return await super().ask(sql, values, again=again)
        except NoDatabase as error:
            raise ShopError("something went wrong") from error

    async def which(self) -> str:
        try:
            return await super().which()
        except ShopError:
            return ""


MUTANT = Mutant(
    summary="without a connection an order fails with 500 INTERNAL, which says nothing of the database",
    experiment="connection-exhaustion",
    must_fail=("clear_error",),
    parts={"records": VagueError},
)
