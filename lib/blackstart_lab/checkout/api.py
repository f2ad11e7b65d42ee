"""`python -m blackstart_lab.checkout.api`: the checkout API, as the supervisor starts it."""

import asyncio
import logging
import math
import sys
import time
import uuid
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from blackstart_lab import serving
from blackstart_lab.checkout import cart as carts
from blackstart_lab.checkout import seams
from blackstart_lab.checkout.checkouts import Opened
from blackstart_lab.checkout.counters import CheckoutSeries
from blackstart_lab.checkout.failures import CheckoutError, InvalidRequest, RateLimited
from blackstart_lab.checkout.promise import PROMISED, Settings
from blackstart_lab.event_log import EventLog

log = logging.getLogger("checkout")

KEY, CLIENT = "Idempotency-Key", "X-Client-Id"
ROUTE = "/checkout/sessions"
_LONGEST = 200


class Api:
    """The routes."""

    def __init__(self, settings: Settings) -> None:
        kind, self.settings, promise = seams.kinds(settings.mutant), settings, settings.promise
        self.instance_id = str(uuid.uuid4())
        self.events = EventLog(settings.events, self.instance_id, log)
        self.series = CheckoutSeries()
        self.store = kind["store"](settings.dsn, promise)
        self.payments = kind["payments"](settings.payments, promise)
        limiter = kind["limiter"](promise.limit_per_s, promise.window_s)
        self.checkouts = kind["checkouts"](self.store, self.payments, limiter, promise)

    def application(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.post(ROUTE, self.open),
                web.get("/health", self.health),
                web.get("/ready", self.ready),
                web.get("/metrics", self.series.page),
            ]
        )
        return app

    async def health(self, _: web.Request) -> web.Response:
        """That it answers, whatever it lacks."""
        return web.json_response({"status": "ok", "instance": self.instance_id})

    async def ready(self, _: web.Request) -> web.Response:
        """Which database and which payment gateway it reaches; 503 where one is missing."""
        database, payments = await asyncio.gather(self._database(), self.payments.which())
        ready = bool(database and payments)
        body = {"status": "ready" if ready else "not ready", "database": database, "payments": payments}
        return web.json_response(body, status=200 if ready else 503)

    async def _database(self) -> str:
        try:
            return str(await self.store.which())
        except CheckoutError:
            return ""

    async def open(self, request: web.Request) -> web.Response:
        """One request; whatever it ends with is counted."""
        began = time.perf_counter()
        with self.series.open.track_inprogress():
            outcome, response = await self._answer(request)
        self.series.answers.labels(outcome).inc()
        self.series.seconds.labels(outcome).observe(time.perf_counter() - began)
        return response

    async def _answer(self, request: web.Request) -> tuple[str, web.Response]:
        try:
            opened = await self._opened(request)
        except CheckoutError as error:
            if error.status >= 500:
                log.warning("%s: %s", error.code, error)
            wait = {"Retry-After": str(math.ceil(error.retry_after_s))} if isinstance(error, RateLimited) else {}
            body = {"error": {"code": error.code, "message": str(error)}}
            return error.code, web.json_response(body, status=error.status, headers=wait)
        body = {"session": opened.session, "is_cached": opened.cached}
        return (
            ("cached", web.json_response(body)) if opened.cached else ("created", web.json_response(body, status=201))
        )

    async def _opened(self, request: web.Request) -> Opened:
        key = request.headers.get(KEY, "")
        if not 1 <= len(key) <= _LONGEST:
            raise InvalidRequest(f"the header {KEY} must have 1 to {_LONGEST} characters")
        try:
            body = await request.json()
        except ValueError as error:
            raise InvalidRequest(f"the body is not JSON: {error}") from error
        client = request.headers.get(CLIENT, key)
        opened: Opened = await self.checkouts.open(key, carts.read(body), client)
        return opened

    async def run(self) -> int:
        """Until it is told to stop."""
        self.events.write("started", mutant=self.settings.mutant)
        jobs = (self.checkouts.finish_left, self.store.database.keep_warm)
        async with self.payments:
            code = await serving.serve(self.application(), self.settings.host, self.settings.port, jobs)
        await self.store.database.close()
        return code


def main() -> int:
    """Run until told to stop."""
    serving.log_to_stdout()
    parser = ArgumentParser(prog="python -m blackstart_lab.checkout.api", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; a container needs 0.0.0.0")
    parser.add_argument("--dsn", required=True, help="PostgreSQL, by way of the fault proxy")
    parser.add_argument("--payments", required=True, metavar="URL", help="the payment gateway, by the same way")
    parser.add_argument("--events", type=Path, required=True)
    parser.add_argument("--limit-per-s", type=int, default=PROMISED.limit_per_s)
    parser.add_argument("--mutant", metavar="NAME")
    told = vars(parser.parse_args())
    promise = replace(PROMISED, limit_per_s=told.pop("limit_per_s"))
    return asyncio.run(_run(Settings(promise=promise, **told)))


async def _run(settings: Settings) -> int:
    return await Api(settings).run()


if __name__ == "__main__":
    sys.exit(main())
