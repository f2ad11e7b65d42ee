"""The heartbeat of the market data beats with each attempt to connect, and not with what comes."""

from blackstart_lab.trader.market_data import MarketData
from blackstart_lab.trader.mutants import Mutant


class BeatsWithoutTicks(MarketData):
    """Somebody is at work on it, so it is alive."""

    def pause_s(self) -> float:
        self.heart.beat("marketdata")
        return super().pause_s()


MUTANT = Mutant(
    summary="attempts to connect keep the market data's heartbeat fresh",
    experiment="websocket-reconnect",
    broker=True,
    must_fail=("marketdata_heartbeat_grows", "ready_503"),
    parts={"market": BeatsWithoutTicks},
)
