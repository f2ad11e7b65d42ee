"""Pauses when the lock is lost, resumes for a while in the middle of the outage, and pauses again."""

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orchestrator import Orchestrator

_RESUMES_AT, _PAUSES_AT = 3, 4  # failed cycles, of which the loss is the first


class TiresOfPausing(Orchestrator):
    """Does not pause from one failed cycle to the next one."""

    _failed = 0

    def acquired(self) -> None:
        self._failed = 0
        super().acquired()

    def failed_cycle(self) -> None:
        super().failed_cycle()
        self._failed += 1
        if self._failed == _RESUMES_AT:
            self.desk.resume("it has been long enough")
        elif self._failed == _PAUSES_AT:
            self.desk.pause("still no leader lock")


MUTANT = Mutant(
    summary="resumes for a while without the lock, in the middle of the outage",
    experiment="leader-lock",
    must_fail=("paused",),
    parts={"orchestrator": TiresOfPausing},
)
