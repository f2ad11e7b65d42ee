"""The limit is compared with what was let through before, and not with what would be then."""

from blackstart_lab.checkout.mutants import Mutant
from blackstart_lab.checkout.request_limit import SlidingLog


class OneMore(SlidingLog):
    """More than the limit must be there before it is full."""

    def is_full(self, keys: dict[str, float]) -> bool:
        return len(keys) > self.limit


MUTANT = Mutant(
    summary="lets one more through in each window than the limit allows",
    experiment="rate-limit-storm",
    must_fail=("graceful_degradation",),
    parts={"limiter": OneMore},
)
