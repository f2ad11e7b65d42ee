"""Asks for a new token twenty times a second: at many brokers that locks the account."""

from blackstart_lab.trader.mutants import Mutant
from blackstart_lab.trader.session import BrokerSession


class HammersBroker(BrokerSession):
    """No pause worth the name."""

    def pause_s(self) -> float:
        return 0.05


MUTANT = Mutant(
    summary="no backoff between attempts to get a token",
    experiment="token-expiry",
    broker=True,
    must_fail=("renewal_backs_off",),
    parts={"session": HammersBroker},
)
