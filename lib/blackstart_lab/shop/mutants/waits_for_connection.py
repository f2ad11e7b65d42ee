"""Who gets no connection waits for one."""

import asyncio
from collections.abc import Sequence

from blackstart_lab.clock import now_s
from blackstart_lab.database import Rows
from blackstart_lab.shop.exceptions import NoDatabase
from blackstart_lab.shop.mutants import Mutant
from blackstart_lab.shop.records import Records

_PATIENCE_S = 30.0
_AGAIN_S = 0.1


class WaitsForConnection(Records):
    """As long as pools wait where nobody has told them otherwise."""

    async def ask(self, sql: str, values: Sequence[object] = (), *, again: bool = True) -> Rows:
        until_s = now_s() + _PATIENCE_S
        while True:
            try:
                return await super().ask(sql, values, again=again)
            except NoDatabase:
                if now_s() > until_s:
                    raise
            await asyncio.sleep(_AGAIN_S)


MUTANT = Mutant(
    summary="requests wait 30 seconds for a connection to the database in place of failing fast",
    experiment="connection-exhaustion",
    must_fail=("fails_fast",),
    may_fail=("clear_error", "order_unwell", "inventory_1_unwell", "inventory_2_unwell"),
    parts={"records": WaitsForConnection},
)
