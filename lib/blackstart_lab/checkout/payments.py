"""`python -m blackstart_lab.checkout.payments`: a payment gateway that can't be relied on, with a book of its own.

It charges once for each idempotency key, and tells what it has charged. What can't be relied on is the first try of a
key: of five new keys in a row one is refused, one is charged but hears nothing of it, and one is never answered.
"""

import asyncio
import sys
import uuid
from argparse import ArgumentParser
from importlib import resources
from itertools import cycle

from aiohttp import web

from blackstart_lab import serving
from blackstart_lab.database import Database, DatabaseUnavailable

SCHEMA = resources.files("blackstart_lab.checkout").joinpath("payments.sql").read_text()
_DB_TIMEOUT_S = 2.0
_SILENCE_S = 20.0
FINE, REFUSED, UNHEARD, SILENT = "fine", "refused", "unheard", "silent"
MOODS = (FINE, REFUSED, FINE, UNHEARD, SILENT)
"""What becomes of the first try of each new key, in turn."""

_CHARGE = """
INSERT INTO payment_charges AS c (id, idempotency_key, reference, amount_cents) VALUES (%s, %s, %s, %s)
ON CONFLICT (idempotency_key) DO UPDATE SET idempotency_key = c.idempotency_key
RETURNING c.id::text, c.reference, c.amount_cents
"""


class Payments:
    """The routes."""

    def __init__(self, dsn: str, moods: tuple[str, ...] = MOODS) -> None:
        self.instance_id = str(uuid.uuid4())
        self.book = Database(dsn, _DB_TIMEOUT_S, SCHEMA)
        self._moods = cycle(moods)
        self._tried: set[str] = set()

    def application(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.post("/charges", self.charge), web.get("/health", self.health)])
        return app

    async def health(self, _: web.Request) -> web.Response:
        """That it answers, and that it can read its book."""
        try:
            await self.book.call("SELECT 1", again=True)
        except DatabaseUnavailable as error:
            return web.json_response({"status": "down", "why": str(error)}, status=503)
        return web.json_response({"status": "ok", "instance": self.instance_id})

    def mood(self, key: str) -> str:
        """Of this try."""
        if key in self._tried:
            return FINE
        self._tried.add(key)
        return next(self._moods)

    async def charge(self, request: web.Request) -> web.Response:
        """`{"reference": …, "amount_cents": …}` under an Idempotency-Key."""
        body, key = await request.json(), request.headers["Idempotency-Key"]
        mood = self.mood(key)
        if mood == REFUSED:
            return web.json_response({"error": "try again"}, status=503)
        if mood == SILENT:
            await asyncio.sleep(_SILENCE_S)
            return web.json_response({"error": "try again"}, status=503)
        asked = (body["reference"], body["amount_cents"])
        try:
            ((charge_id, *charged),) = await self.book.call(_CHARGE, (str(uuid.uuid4()), key, *asked), again=True)
        except DatabaseUnavailable as error:
            return web.json_response({"error": f"the book can't be written: {error}"}, status=503)
        if tuple(charged) != asked:
            return web.json_response({"error": "the key belongs to another charge"}, status=409)
        if mood == UNHEARD and request.transport is not None:
            request.transport.abort()
        return web.json_response({"charge": {"id": charge_id}})

    async def run(self, host: str, port: int) -> int:
        """Until it is told to stop."""
        code = await serving.serve(self.application(), host, port, (self.book.keep_warm,))
        await self.book.close()
        return code


async def main() -> int:
    """Run until told to stop."""
    serving.log_to_stdout()
    parser = ArgumentParser(prog="python -m blackstart_lab.checkout.payments", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; a container needs 0.0.0.0")
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--reliable", action="store_true", help="every first try is as good as any")
    options = parser.parse_args()
    payments = Payments(options.dsn, (FINE,) if options.reliable else MOODS)
    return await payments.run(options.host, options.port)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
