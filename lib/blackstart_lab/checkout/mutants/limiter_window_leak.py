"""Whoever is refused takes the oldest entry out of the window, as if its time were over."""

from blackstart_lab.checkout.failures import RateLimited
from blackstart_lab.checkout.mutants import Mutant
from blackstart_lab.checkout.request_limit import SlidingLog


class Leaks(SlidingLog):
    """Makes room for the next one, whatever the clock says."""

    def admit(self, client: str, key: str) -> None:
        try:
            super().admit(client, key)
        except RateLimited:
            keys = self.admitted[client]
            keys.pop(next(iter(keys)))
            raise


MUTANT = Mutant(
    summary="entries leak out of the limiter's window: in a storm every second request is let through",
    experiment="rate-limit-storm",
    must_fail=("graceful_degradation",),
    parts={"limiter": Leaks},
)
