"""Gives up after the first loss: the lock is never asked for again."""

import asyncio

from blackstart_lab.trader.lock import LeaderLock
from blackstart_lab.trader.mutants import Mutant


class NeverReacquires(LeaderLock):
    """The job that should try again waits for nothing."""

    async def attempt(self) -> bool:
        if self.ever_led:
            await asyncio.Event().wait()
        return await super().attempt()


MUTANT = Mutant(
    summary="never tries to take the lock again after a loss",
    experiment="leader-lock",
    must_fail=("ready_200_again", "leader_1_again", "resumed"),
    may_fail=("backoff_grows",),
    parts={"lock": NeverReacquires},
)
