"""Leads again after a loss, but stays paused until a human comes."""

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orchestrator import Orchestrator


class NeverResumes(Orchestrator):
    """Resumes for the first leadership only."""

    _led = False

    def acquired(self) -> None:
        if not self._led:
            self._led = True
            super().acquired()
            return
        self.show_leader(1)
        self.metrics.leader_changes.inc()


MUTANT = Mutant(
    summary="takes the lock again but stays paused",
    experiment="leader-lock",
    must_fail=("resumed",),
    parts={"orchestrator": NeverResumes},
)
