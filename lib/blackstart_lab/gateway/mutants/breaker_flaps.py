"""The breaker keeps its old failures when it closes, and opens again on the strength of them."""

from blackstart_lab.gateway.breaker import OPEN, Breaker
from blackstart_lab.gateway.mutants import Mutant


class Flaps(Breaker):
    """Judges by what it remembers from before."""

    _grudge = False

    def change(self, to: str) -> None:
        self._grudge = self._grudge or to == OPEN
        super().change(to)

    def judge_closed(self) -> None:
        if self._grudge:
            self.change(OPEN)
        else:
            super().judge_closed()


MUTANT = Mutant(
    summary="once open, it closes and opens again without end, with a healthy Redis",
    experiment="redis-latency",
    must_fail=("closes_again", "full_recovery"),  # it is CLOSED for a few calls at a time
    may_fail=("stays_served",),
    parts={"breaker": Flaps},
)
