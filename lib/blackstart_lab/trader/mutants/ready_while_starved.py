"""Short of what it needs its order stream stands still, and readiness goes by the last figure from before."""

import asyncio

from blackstart_lab.trader import stressors
from blackstart_lab.trader.heart import Heart
from blackstart_lab.trader.metrics import HEARTBEATS
from blackstart_lab.trader.mutants import Mutant

_STARVED = "order_stream"


class ReadyWhileStarved(Heart):
    """The metrics tell how old the beat is; what readiness asks is not refreshed any more."""

    def beat(self, name: str) -> None:
        if name != _STARVED or not stressors.running():
            super().beat(name)

    async def run(self) -> None:
        while True:
            self.refresh()
            await asyncio.sleep(1.0)

    def refresh(self) -> None:
        for name in HEARTBEATS:
            self.metrics.heartbeats[name].set(self.age_s(name))
            if name != _STARVED or not stressors.running():
                self.shown_s[name] = self.age_s(name)


MUTANT = Mutant(
    summary="under stress its order stream stands still, and /ready stays 200",
    experiment="resource-stress",
    options=("memory",),
    broker=True,
    must_fail=("ready_means_order_heartbeat", "leader_means_order_heartbeat"),
    parts={"heart": ReadyWhileStarved},
)
