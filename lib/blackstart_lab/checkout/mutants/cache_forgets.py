"""The answer to a key is forgotten once it was given: the next request of the key begins anew."""

import asyncio
from collections import defaultdict
from typing import Any

from blackstart_lab.checkout.cart import Cart
from blackstart_lab.checkout.checkouts import Checkouts, Opened
from blackstart_lab.checkout.mutants import Mutant
from blackstart_lab.checkout.session_store import Claim, SessionStore

_FORGET = "DELETE FROM idempotency_keys WHERE key = %s AND answer IS NOT NULL"


class ForgetsAnswers(SessionStore):
    """A key lives until it is answered."""

    EXTRA_SCHEMA = "ALTER TABLE checkout_sessions DROP CONSTRAINT IF EXISTS checkout_sessions_idempotency_key_key;\n"

    async def claim(self, key: str, cart: Cart) -> Claim:
        await self.ask(_FORGET, (key,))
        return await super().claim(key, cart)


class OneAfterTheOther(Checkouts):
    """A lock for each key: right at the same time, and wrong ever after."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def open(self, key: str, cart: Cart, client: str) -> Opened:
        async with self._locks[key]:
            return await super().open(key, cart, client)


MUTANT = Mutant(
    summary="an answer is forgotten once it was given: each later request of the key opens another session",
    experiment="concurrent-duplicate-requests",
    must_fail=("exactly_one_created", "all_return_same_session"),
    may_fail=("answers_have_one_order",),
    parts={"store": ForgetsAnswers, "checkouts": OneAfterTheOther},
)
