"""Takes a Redis that does not answer for one that has nothing to say: it leads on without its lock."""

from blackstart_lab.trader.lock import LeaderLock
from blackstart_lab.trader.mutants import Mutant


class LeadsWhilePartitioned(LeaderLock):
    """Steps down only when it is told that another one has the lock."""

    async def step_down(self, reason: str) -> None:
        if reason.startswith("Redis: "):
            self._refresh_at = self.now() + self.profile.lock_refresh_s
            return
        await super().step_down(reason)

    def lease_is_over(self) -> bool:
        return False


MUTANT = Mutant(
    summary="leads on while it can't reach Redis",
    experiment="partition",
    options=("redis",),
    broker=True,
    must_fail=("ready_503", "leader_0", "paused"),
    # Once Redis answers, it may step down after all, and lead again.
    may_fail=("leader_means_lock", "ready_200_again", "leader_1_again", "resumed"),
    parts={"lock": LeadsWhilePartitioned},
)
