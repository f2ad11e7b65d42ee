"""Connects again and goes on with the next tick, whatever its number: what was sent meanwhile is never asked for."""

from blackstart_lab.trader.market_data import MarketData
from blackstart_lab.trader.mutants import Mutant


class LeavesGap(MarketData):
    """Numbers are for others."""

    def note_gap(self, first: int, last: int) -> None:
        self.events.write("gap_left", first=first, last=last)


MUTANT = Mutant(
    summary="ticks that were missed while the stream was lost are never fetched",
    experiment="websocket-reconnect",
    broker=True,
    must_fail=("gap_filled",),
    parts={"market": LeavesGap},
)
