"""The broker refuses its token, and it goes on as if it traded: nobody who looks at it sees that nothing is placed."""

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.session import BrokerSession


class TradesWithoutToken(BrokerSession):
    """Renews the token, and pauses for nothing."""

    def pause(self, reason: str) -> None:
        self.events.write("not_paused", reason=reason)


MUTANT = Mutant(
    summary="trading is not paused while the broker refuses the token",
    experiment="token-expiry",
    broker=True,
    must_fail=("orders_pause",),
    parts={"session": TradesWithoutToken},
)
