"""Leads again after a loss, and dies 0.7 s later; the supervisor starts a new one, which leads in its turn."""

import asyncio
import os

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.orchestrator import Orchestrator

_DIES_AFTER_S = 0.7


class LateCrash(Orchestrator):
    """Survives its first leadership only."""

    _led = False

    def acquired(self) -> None:
        super().acquired()
        if self._led:
            asyncio.get_running_loop().call_later(_DIES_AFTER_S, os._exit, 70)
        self._led = True


MUTANT = Mutant(
    summary="the process dies 0.7 s after it leads again, and is restarted at once",
    experiment="leader-lock",
    must_fail=("no_crash", "same_instance"),
    # How much of the rest is seen to be lost depends on how soon the new one is there.
    may_fail=(
        "health_healthy",
        "ready_200_again",
        "leader_1_again",
        "resumed",
        "scan_heartbeat_fresh",
        "order_heartbeat_fresh",
        "marketdata_heartbeat_fresh",
    ),
    parts={"orchestrator": LateCrash},
)
