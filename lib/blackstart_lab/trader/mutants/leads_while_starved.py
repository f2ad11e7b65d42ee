"""Short of what it needs its streams stand still, while its lock is refreshed: it leads on, and trades."""

from blackstart_lab.trader import stressors
from blackstart_lab.trader.heart import Heart
from blackstart_lab.trader.mutants import Mutant


class LeadsWhileStarved(Heart):
    """The streams have the lowest priority of all, and nobody asks for them."""

    def beat(self, name: str) -> None:
        if name == "scan" or not stressors.running():
            super().beat(name)


MUTANT = Mutant(
    summary="under stress its streams stand still, and it leads and trades on",
    experiment="resource-stress",
    options=("memory",),
    broker=True,
    must_fail=("leader_means_order_heartbeat", "leader_means_marketdata_heartbeat", "trading_means_ready"),
    parts={"heart": LeadsWhileStarved},
)
