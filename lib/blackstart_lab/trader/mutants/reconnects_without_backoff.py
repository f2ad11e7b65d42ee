"""Connects to the stream ten times a second while it is away."""

from blackstart_lab.trader.market_data import MarketData
from blackstart_lab.trader.mutants import Mutant


class ReconnectsWithoutBackoff(MarketData):
    """No pause worth the name."""

    def pause_s(self) -> float:
        return 0.1


MUTANT = Mutant(
    summary="no backoff between attempts to connect to the stream",
    experiment="websocket-reconnect",
    broker=True,
    must_fail=("reconnect_backs_off",),
    parts={"market": ReconnectsWithoutBackoff},
)
