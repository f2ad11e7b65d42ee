"""/ready asks the lock and two of the heartbeats: without market data it is ready for ever."""

from blackstart_lab.trader.config import HEARTBEAT_MAX_S
from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.readiness import Readiness


class ReadyWhileSilent(Readiness):
    """The market data's heartbeat is shown, and not asked."""

    def is_ready(self) -> bool:
        asked = [age_s for name, age_s in self.heart.shown_s.items() if name != "marketdata"]
        return self.lock.certain() and max(asked) < HEARTBEAT_MAX_S


MUTANT = Mutant(
    summary="/ready stays 200 while no market data comes",
    experiment="websocket-reconnect",
    options=("silent",),
    broker=True,
    must_fail=("ready_503", "ready_means_marketdata_heartbeat"),
    parts={"readiness": ReadyWhileSilent},
)
