"""Trial calls succeed, and the breaker is as open as before."""

from blackstart_lab.gateway.breaker import OPEN, Breaker
from blackstart_lab.shop.mutants import LEFT_PENDING, Mutant


class StaysOpen(Breaker):
    """Once open, for good."""

    def judge_trials(self) -> None:
        self.change(OPEN)


MUTANT = Mutant(
    summary="the breaker never closes again: every order stays pending",
    experiment="cascading-failure",
    must_fail=("breaker_closes", "orders_confirmed_again"),
    may_fail=("orders_stay_confirmed", "pending_settled", *LEFT_PENDING),
    parts={"breaker": StaysOpen},
)
