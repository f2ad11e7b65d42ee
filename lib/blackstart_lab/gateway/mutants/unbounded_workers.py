"""Whatever could not be counted gets a worker of its own that counts it later, and nobody counts the workers."""

import asyncio
import contextlib

from aiohttp import web

from blackstart_lab.gateway.breaker import CLOSED
from blackstart_lab.gateway.errors import LimiterUnavailable
from blackstart_lab.gateway.gate import BYPASSED
from blackstart_lab.gateway.mutants import Mutant
from blackstart_lab.gateway.proxied import Proxied

_LOOK_AGAIN_S = 0.5


class UnboundedWorkers(Proxied):
    """Lets requests through, and keeps a worker waiting for each until the breaker has closed."""

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._waiting: set[asyncio.Task[None]] = set()

    def no_worker_is_free(self) -> bool:
        return False

    async def answer(self, request: web.Request) -> web.Response:
        response = await super().answer(request)
        if response.headers.get("X-RateLimit-Mode") == BYPASSED:
            worker = asyncio.create_task(self._count_later(request.headers["X-API-Key"], request.rel_url.raw_path))
            self._waiting.add(worker)
            worker.add_done_callback(self._waiting.discard)
        return response

    async def _count_later(self, api_key: str, path: str) -> None:
        with self.workers.one(), contextlib.suppress(LimiterUnavailable):
            while self.gate.breaker is not None and self.gate.breaker.state != CLOSED:
                await asyncio.sleep(_LOOK_AGAIN_S)
            await self.gate.limiter.ask(api_key, path)


MUTANT = Mutant(
    summary="keeps a worker for every request that could not be counted, without a bound",
    experiment="redis-bandwidth",
    must_fail=("workers_bounded",),
    # Each holds some memory, and a long fault fills it; all of them count at once when the breaker has closed.
    may_fail=("no_crash", "closes_again", "serves_again"),
    parts={"proxied": UnboundedWorkers},
)
