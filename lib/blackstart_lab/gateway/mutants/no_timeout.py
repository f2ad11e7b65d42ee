"""Redis is waited for as long as it takes."""

from blackstart_lab.gateway.mutants import Mutant
from blackstart_lab.gateway.store import RedisStore


class NoTimeout(RedisStore):
    """A minute, as a client that was never told otherwise."""

    def timeout_s(self) -> float:
        return 60.0


MUTANT = Mutant(
    summary="waits up to 60 s for Redis, so that the breaker hears of a slow one when it is too late",
    experiment="redis-latency",
    must_fail=("fails_fast_p99",),
    # The first slow answers come after two seconds, as the limit ends: whether they open it in time is chance. They do
    # in the end, if the fault lasts long enough; the waiting requests take every worker first.
    may_fail=(
        "opens_within_2s",
        "breaker_opens",
        "answers_503_or_fallback",
        "half_open_seen",
        "closes_again",
        "full_recovery",
    ),
    parts={"store": NoTimeout},
)
