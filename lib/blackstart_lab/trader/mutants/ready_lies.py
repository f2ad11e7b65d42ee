"""/ready answers 200 whatever happened to the lock."""

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.readiness import Readiness


class ReadyLies(Readiness):
    """Ready once, ready for ever."""

    _was_ready = False

    def is_ready(self) -> bool:
        self._was_ready = self._was_ready or super().is_ready()
        return self._was_ready


MUTANT = Mutant(
    summary="/ready stays 200 without the lock",
    experiment="leader-lock",
    must_fail=("ready_503", "ready_means_leader"),
    parts={"readiness": ReadyLies},
)
