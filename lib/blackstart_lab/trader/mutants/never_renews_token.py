"""Gets a token when it starts, and never another one: the broker's refusal is only logged."""

import asyncio

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.session import BrokerSession


class NeverRenewsToken(BrokerSession):
    """One token for a life."""

    async def run(self) -> None:
        await self.renew()
        await asyncio.Event().wait()


MUTANT = Mutant(
    summary="a token that the broker refuses is never renewed",
    experiment="token-expiry",
    broker=True,
    must_fail=("resumed", "token_renewed"),
    may_fail=("orders_stay_accepted",),
    parts={"session": NeverRenewsToken},
)
