"""Order calls its inventory each time, however long it has been slow."""

from blackstart_lab.gateway.breaker import Breaker
from blackstart_lab.shop.mutants import Mutant


class NeverOpens(Breaker):
    """It counts, and judges nobody."""

    def judge_closed(self) -> None:
        return


MUTANT = Mutant(
    summary="there is no breaker around the calls to inventory: every order waits for it",
    experiment="cascading-failure",
    must_fail=("breaker_opens", "fails_fast"),
    may_fail=("answered_in_time",),
    parts={"breaker": NeverOpens},
)
