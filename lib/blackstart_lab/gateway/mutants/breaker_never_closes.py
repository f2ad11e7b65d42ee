"""The breaker tries Redis again and opens whatever comes of it."""

from blackstart_lab.gateway.breaker import OPEN, Breaker
from blackstart_lab.gateway.mutants import Mutant


class NeverCloses(Breaker):
    """From HALF_OPEN there is one way."""

    def judge_trials(self) -> None:
        self.change(OPEN)


MUTANT = Mutant(
    summary="goes from HALF_OPEN back to OPEN also when every trial call succeeded",
    experiment="redis-latency",
    must_fail=("closes_again", "full_recovery"),  # requests pass, uncounted
    may_fail=("stays_served",),
    parts={"breaker": NeverCloses},
)
