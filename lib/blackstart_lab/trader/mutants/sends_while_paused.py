"""Pauses for show: the order that met the refusal is sent again and again, with the token that was refused."""

import asyncio

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.session import BrokerSession

_AGAIN_S = 0.1


class SendsWhilePaused(BrokerSession):
    """Until there is a new token, in the background: whoever placed the order has had his answer."""

    sending: asyncio.Task[None] | None = None

    def refused(self, token: str | None) -> None:
        super().refused(token)
        if self.sending is None or self.sending.done():
            self.sending = asyncio.create_task(self._send_again(str(token)))

    async def _send_again(self, token: str) -> None:
        while self.token is None:
            await self._ask("POST", "/orders", token=token, json={})
            await asyncio.sleep(_AGAIN_S)


MUTANT = Mutant(
    summary="orders are sent to the broker while trading is paused for a refused token",
    experiment="token-expiry",
    broker=True,
    must_fail=("no_order_while_paused",),
    parts={"session": SendsWhilePaused},
)
