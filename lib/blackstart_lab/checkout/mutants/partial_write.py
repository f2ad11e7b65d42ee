"""A session is written before it is paid, and stays where the payment fails; nobody comes back to it."""

import asyncio
from dataclasses import replace

from blackstart_lab.checkout.cart import Cart
from blackstart_lab.checkout.checkouts import Checkouts, Opened
from blackstart_lab.checkout.mutants import Mutant
from blackstart_lab.checkout.payment_client import PaymentClient
from blackstart_lab.checkout.promise import Promise

_UNPAID = "unpaid"


class WritesFirst(Checkouts):
    """Half of the work is committed before the other half has begun."""

    async def carry_out(self, key: str, cart: Cart) -> Opened:
        claim = await self.store.claim(key, cart)
        self.compare(claim.request_hash, cart.hash())
        cached = claim.answer is not None
        session = claim.answer or await self.store.finish(key, cart, claim.session_id, _UNPAID)
        await self.payments.charge(key, cart.total_cents)
        return Opened(session, cached)

    async def finish_left(self) -> None:
        await asyncio.Event().wait()


class TriesOnce(PaymentClient):
    """What fails at the first try has failed."""

    def __init__(self, url: str, promise: Promise) -> None:
        super().__init__(url, replace(promise, payment_tries=1))


MUTANT = Mutant(
    summary="a session is written before it is paid, and stays where the payment fails",
    experiment="rate-limit-storm",
    must_fail=("no_data_corruption",),
    # Requests that the limiter let through fail with their payments.
    may_fail=("graceful_degradation", "charges_and_sessions_agree"),
    parts={"checkouts": WritesFirst, "payments": TriesOnce},
)
