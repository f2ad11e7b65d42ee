"""Once Redis was away, every request leaves something behind in memory, and a herd of them is too much."""

from collections.abc import Coroutine
from typing import Any

from blackstart_lab.gateway.errors import LimiterUnavailable
from blackstart_lab.gateway.mutants import Mutant
from blackstart_lab.gateway.store import RedisStore, T

_BYTES_EACH = 256 * 1024


class HerdCrash(RedisStore):
    """Keeps what it counts beside Redis too, since Redis has shown that it forgets, and never lets go of it."""

    _was_connected = False
    _lost = False
    _kept: tuple[bytes, ...] = ()

    async def ask(self, job: Coroutine[Any, Any, T]) -> T:
        self._was_connected = self._was_connected or self.connected
        try:
            return await super().ask(job)
        except LimiterUnavailable:
            self._lost = self._was_connected
            raise

    async def count(self, key: str) -> int:
        if self._lost:
            self._kept = (*self._kept, b"\x01" * _BYTES_EACH)
        return await super().count(key)


MUTANT = Mutant(
    summary="grows with every request after Redis was away, until it is killed over memory",
    experiment="thundering-herd",
    must_fail=("no_oom", "no_crash"),
    # What a killed gateway does not answer is neither sent on nor counted in Redis.
    may_fail=("rps_reached", "cpu_under_80", "redis_memory_linear", "stabilises", "serves_again"),
    parts={"store": HerdCrash},
)
