"""The breaker counts the failures and does nothing about them."""

from blackstart_lab.gateway.breaker import Breaker
from blackstart_lab.gateway.mutants import Mutant


class NeverOpens(Breaker):
    """CLOSED for ever."""

    def judge_closed(self) -> None:
        """Looks at the window and leaves it at that."""


MUTANT = Mutant(
    summary="stays CLOSED however many calls to Redis fail",
    experiment="redis-latency",
    must_fail=("breaker_opens", "opens_within_2s", "half_open_seen"),
    # Every request goes on waiting for the time-out of Redis, and is let through after it.
    may_fail=("fails_fast_p99", "closes_again", "full_recovery"),
    parts={"breaker": NeverOpens},
)
