"""The gauge goes on saying 1 after the lock was lost, while everything else behaves."""

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orchestrator import Orchestrator


class GaugeLies(Orchestrator):
    """Sets the gauge on winning only."""

    def show_leader(self, value: int) -> None:
        if value == 1:
            super().show_leader(value)


MUTANT = Mutant(
    summary="trader_is_leader stays 1 without the lock",
    experiment="leader-lock",
    must_fail=("leader_0",),
    may_fail=("leader_means_lock", "one_leader"),
    parts={"orchestrator": GaugeLies},
)
