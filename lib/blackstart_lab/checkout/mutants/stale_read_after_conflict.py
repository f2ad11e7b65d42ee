"""Who finds that a key is taken reads what was there before: nothing, and so answers with a session of their own."""

import uuid
from typing import Any

from blackstart_lab.checkout.cart import Cart
from blackstart_lab.checkout.mutants import Mutant
from blackstart_lab.checkout.mutants.key_race import EachForItself
from blackstart_lab.checkout.session_store import Claim, SessionStore, as_answered

_TAKE = """
INSERT INTO idempotency_keys (key, request_hash, cart, session_id) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING RETURNING key
"""


class ReadsStale(SessionStore):
    """As from a replica that lags: the key's row is not there yet, nor is its answer."""

    async def claim(self, key: str, cart: Cart) -> Claim:
        made = Claim(cart.hash(), str(uuid.uuid4()), None)
        await self.ask(_TAKE, (key, made.request_hash, cart.as_json(), made.session_id))
        return made

    async def finish(self, key: str, cart: Cart, session_id: str, charge_id: str) -> dict[str, Any]:
        await super().finish(key, cart, session_id, charge_id)
        return as_answered(cart, session_id, charge_id)


MUTANT = Mutant(
    summary="a key that is taken is read too early: duplicates are answered with sessions that are nowhere",
    experiment="concurrent-duplicate-requests",
    must_fail=("all_return_same_session",),
    may_fail=(
        "answers_have_one_order",
        "exactly_one_created",
    ),  # there is one, and answers name others
    parts={"store": ReadsStale, "checkouts": EachForItself},
)
