"""A key is looked for, and written a moment later: who looks in between opens a session of their own."""

import asyncio
import uuid

from blackstart_lab.checkout.cart import Cart
from blackstart_lab.checkout.checkouts import Checkouts, Flight
from blackstart_lab.checkout.mutants import Mutant
from blackstart_lab.checkout.session_store import Claim, SessionStore

_BETWEEN_S = 0.05
_LOOK = "SELECT request_hash, session_id::text, answer FROM idempotency_keys WHERE key = %s"
_WRITE = """
INSERT INTO idempotency_keys (key, request_hash, cart, session_id) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING
"""


class LooksThenWrites(SessionStore):
    """Nothing in the tables says that a key has one session."""

    EXTRA_SCHEMA = "ALTER TABLE checkout_sessions DROP CONSTRAINT IF EXISTS checkout_sessions_idempotency_key_key;\n"

    async def claim(self, key: str, cart: Cart) -> Claim:
        for row in await self.ask(_LOOK, (key,)):
            return Claim(*row)
        await asyncio.sleep(_BETWEEN_S)
        made = Claim(cart.hash(), str(uuid.uuid4()), None)
        await self.ask(_WRITE, (key, made.request_hash, cart.as_json(), made.session_id))
        return made


class EachForItself(Checkouts):
    """Requests that come together know nothing of each other."""

    def under_way(self, key: str) -> Flight | None:
        return None


MUTANT = Mutant(
    summary="a key is looked for and then written: requests that come together open a session each",
    experiment="concurrent-duplicate-requests",
    must_fail=("exactly_one_created",),
    may_fail=("answers_have_one_order",),
    parts={"store": LooksThenWrites, "checkouts": EachForItself},
)
