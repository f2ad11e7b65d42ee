"""What a request answers is kept where all requests share it: one that comes in between takes its place."""

import asyncio

from blackstart_lab.checkout.cart import Cart
from blackstart_lab.checkout.checkouts import Checkouts, Opened
from blackstart_lab.checkout.mutants import Mutant

_WRITTEN_TO_LOG_S = 0.05


class SharesItsAnswer(Checkouts):
    """Every session is written as it should be, under its key; clients are told of somebody else's."""

    newest: Opened

    async def carry_out(self, key: str, cart: Cart) -> Opened:
        self.newest = await super().carry_out(key, cart)
        await asyncio.sleep(_WRITTEN_TO_LOG_S)
        return self.newest


MUTANT = Mutant(
    summary="an answer is kept where all requests share it: clients are told of another one's session",
    experiment="rate-limit-storm",
    must_fail=("no_data_corruption",),
    parts={"checkouts": SharesItsAnswer},
)
