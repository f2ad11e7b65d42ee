"""Sessions and idempotency keys in PostgreSQL. Every call is one statement that may run twice: it can be repeated."""

import asyncio
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from blackstart_lab.checkout.cart import Cart
from blackstart_lab.checkout.failures import ServiceUnavailable
from blackstart_lab.checkout.promise import Promise
from blackstart_lab.database import Database, DatabaseUnavailable, Rows

SCHEMA = resources.files("blackstart_lab.checkout").joinpath("checkout.sql").read_text()
_PAUSE_S = 0.05

# Nothing is changed where the key is there already, but its row is returned, once whoever is adding it has done so.
_CLAIM = """
INSERT INTO idempotency_keys AS k (key, request_hash, cart, session_id) VALUES (%s, %s, %s, %s)
ON CONFLICT (key) DO UPDATE SET key = k.key
RETURNING k.request_hash, k.session_id::text, k.answer
"""
# A session, its items and the answer, or nothing of them.
_FINISH = """
WITH session AS (
    INSERT INTO checkout_sessions (id, idempotency_key, customer, total_cents, charge_id) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT DO NOTHING RETURNING id
), items AS (
    INSERT INTO checkout_items (session_id, line, sku, quantity, unit_cents)
    SELECT session.id, item.line, item.sku, item.quantity, item.unit_cents
    FROM session, ROWS FROM (jsonb_to_recordset(%s) AS (sku text, quantity integer, unit_cents integer))
        WITH ORDINALITY AS item (sku, quantity, unit_cents, line)
)
UPDATE idempotency_keys SET answer = coalesce(answer, %s) WHERE key = %s RETURNING answer
"""
_LEFT = """
SELECT key, cart FROM idempotency_keys
WHERE answer IS NULL AND claimed_at < now() - make_interval(secs => %s) ORDER BY claimed_at LIMIT %s
"""
_WHICH = "SELECT system_identifier::text || '/' || current_database() FROM pg_control_system()"


@dataclass(frozen=True)
class Claim:
    """What a key is for: the hash of its first request, the session's id, and the answer once there is one."""

    request_hash: str
    session_id: str
    answer: dict[str, Any] | None


def as_answered(cart: Cart, session_id: str, charge_id: str) -> dict[str, Any]:
    """A session as clients see it."""
    told = {"customer": cart.customer, "total_cents": cart.total_cents, "charge": charge_id, "status": "paid"}
    return {"id": session_id, **told}


class SessionStore:
    """Raises ServiceUnavailable when every try has failed; whether one of them took effect is then unknown."""

    EXTRA_SCHEMA = ""

    def __init__(self, dsn: str, promise: Promise) -> None:
        self.database = Database(dsn, promise.db_timeout_s, SCHEMA + self.EXTRA_SCHEMA)
        self.tries = promise.db_tries

    async def claim(self, key: str, cart: Cart) -> Claim:
        """The key's row; made with a new session id where it was not there."""
        values = (key, cart.hash(), cart.as_json(), str(uuid.uuid4()))
        ((request_hash, session_id, answer),) = await self.ask(_CLAIM, values)
        return Claim(request_hash, session_id, answer)

    async def finish(self, key: str, cart: Cart, session_id: str, charge_id: str) -> dict[str, Any]:
        """Write session, items and answer together; returns the answer, which is the first one's."""
        session = (session_id, key, cart.customer, cart.total_cents, charge_id)
        items = json.dumps([vars(item) for item in cart.items])
        ((written,),) = await self.ask(
            _FINISH, (*session, items, json.dumps(as_answered(cart, session_id, charge_id)), key)
        )
        return dict(written)

    async def left(self, after_s: float, at_most: int) -> list[tuple[str, dict[str, Any]]]:
        """Keys older than `after_s` that have no answer, the oldest first, with their carts."""
        return [(key, cart) for key, cart in await self.ask(_LEFT, (after_s, at_most))]

    async def which(self) -> str:
        """The database as PostgreSQL calls it: the identifier of its cluster, which no other has, and its name."""
        ((identifier,),) = await self.ask(_WHICH)
        return str(identifier)

    async def ask(self, sql: str, values: Sequence[object] = ()) -> Rows:
        """Ask again where it failed: a restart, or a connection that was lost, is over at the next try."""
        for number in range(1, self.tries + 1):
            try:
                return await self.database.call(sql, values, again=True)
            except DatabaseUnavailable as error:
                if number == self.tries:
                    raise ServiceUnavailable(f"PostgreSQL after {number} tries: {error}") from error
            await asyncio.sleep(_PAUSE_S * number)
        raise AssertionError("tries is at least 1")
