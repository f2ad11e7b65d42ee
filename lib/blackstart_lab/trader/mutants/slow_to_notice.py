"""Notices the loss of Redis a tenth later than the refresh period and a second allow."""

import asyncio
from urllib.parse import urlsplit

from blackstart_lab.trader.lock import LeaderLock
from blackstart_lab.trader.mutants import Mutant

_LATE = 1.1
_KNOCK_AGAIN_S = 0.1


class SlowToNotice(LeaderLock):
    """Knows when Redis really went, from a connection that breaks with it, and steps down later than it may."""

    _gone_at = 0.0

    async def run(self) -> None:
        watch = asyncio.create_task(self._watch())
        try:
            await super().run()
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        address = urlsplit(self.store.url)
        while True:
            try:
                reader, writer = await asyncio.open_connection(address.hostname, address.port)
                await reader.read()
                self._gone_at = self.now()
                writer.close()
            except OSError:
                pass  # still away
            await asyncio.sleep(_KNOCK_AGAIN_S)

    async def step_down(self, reason: str) -> None:
        last_heard = self.intervals[-1].until - self.profile.lock_ttl_s
        gone_at = self._gone_at if self._gone_at > last_heard else self.now()
        limit_s = self.profile.lock_refresh_s + 1.0
        await asyncio.sleep(max(0.0, gone_at + _LATE * limit_s - self.now()))
        await super().step_down(reason)

    def lease_is_over(self) -> bool:
        return False


MUTANT = Mutant(
    summary="steps down 10 % later than lock_refresh_s + 1 s after Redis went",
    experiment="leader-lock",
    must_fail=("ready_503", "leader_0", "paused"),
    may_fail=("no_order_while_paused",),
    parts={"lock": SlowToNotice},
)
