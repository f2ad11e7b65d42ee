"""Tries to take the lock fifty times a second instead of backing off."""

from blackstart_lab.trader.lock import LeaderLock
from blackstart_lab.trader.mutants import Mutant


class HammersRedis(LeaderLock):
    """No pause worth the name."""

    def pause_s(self) -> float:
        return 0.02


MUTANT = Mutant(
    summary="no backoff between attempts to take the lock",
    experiment="leader-lock",
    must_fail=("backoff_grows",),
    parts={"lock": HammersRedis},
)
