"""An unhandled error on losing the lock ends the process; the supervisor hides it by starting a new one at once."""

import os

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orchestrator import Orchestrator


class CrashOnRedisLoss(Orchestrator):
    """Dies instead of pausing."""

    def lost(self, reason: str) -> None:
        os._exit(70)


MUTANT = Mutant(
    summary="the process dies when the lock is lost, and is restarted at once",
    experiment="leader-lock",
    must_fail=("no_crash", "same_instance"),
    # The new process has no gauge yet, is unreachable while it starts, and has no attempts of the old one to compare.
    may_fail=("health_healthy", "leader_0", "ready_503", "paused", "backoff_grows"),
    parts={"orchestrator": CrashOnRedisLoss},
)
