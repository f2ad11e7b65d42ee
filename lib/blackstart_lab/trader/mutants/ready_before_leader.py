"""After a loss it comes back too soon: /ready answers 200 a moment before the instance shows that it leads."""

import asyncio

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orchestrator import Orchestrator

_SHOWN_AFTER_S = 0.5


class ReadyBeforeLeader(Orchestrator):
    """Shows its first leadership at once, and every later one late."""

    _led = False

    def show_leader(self, value: int) -> None:
        if value and self._led:
            asyncio.get_running_loop().call_later(_SHOWN_AFTER_S, super().show_leader, value)
        else:
            super().show_leader(value)
        self._led = self._led or bool(value)


MUTANT = Mutant(
    summary="/ready says 200 while the leader gauge is still 0",
    experiment="leader-lock",
    must_fail=("ready_means_leader",),
    parts={"orchestrator": ReadyBeforeLeader},
)
