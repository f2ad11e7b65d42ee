"""The limiter spreads its counters over four keys and compares each with the whole limit."""

import random

from blackstart_lab.gateway.limiter import FixedWindow
from blackstart_lab.gateway.mutants import Mutant

_SHARDS = 4


class LimiterLeaks(FixedWindow):
    """Four counters, four times the limit."""

    def key(self, api_key: str, path: str, window: int) -> str:
        return f"{super().key(api_key, path, window)}:{random.randrange(_SHARDS)}"


MUTANT = Mutant(
    summary="lets up to four times the limit through",
    experiment="thundering-herd",
    must_fail=("limit_kept",),
    parts={"limiter": LimiterLeaks},
)
