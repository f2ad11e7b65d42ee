"""A connection to Redis that broke stays broken until somebody restarts the gateway."""

from collections.abc import Coroutine
from typing import Any

from blackstart_lab.gateway.errors import LimiterUnavailable
from blackstart_lab.gateway.mutants import Mutant
from blackstart_lab.gateway.store import RedisStore, T


class NoReconnect(RedisStore):
    """Remembers the first loss."""

    _broken = ""

    async def ask(self, job: Coroutine[Any, Any, T]) -> T:
        if self._broken:
            job.close()
            raise LimiterUnavailable(f"connection is closed ({self._broken})")
        try:
            return await super().ask(job)
        except LimiterUnavailable as error:
            if self.connected:  # the lab starts everything at once: not to be there yet is no loss
                self._broken = str(error)
            raise


MUTANT = Mutant(
    summary="never connects to Redis again after it lost it once",
    experiment="redis-flapping",
    must_fail=("recovers_within_2s", "closes_again"),
    may_fail=("stays_served",),
    parts={"store": NoReconnect},
)
