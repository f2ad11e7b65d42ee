"""Percentiles by the nearest-rank method: the smallest value that at least p percent of all values don't exceed.

It always returns a value that was measured, and for few values the upper ones are their maximum.
"""

import math
from collections.abc import Sequence

METHOD = "nearest rank"


def percentile(values: Sequence[float], p: float) -> float:
    """The p-th percentile, 0 < p <= 100, of values in any order. Raises ValueError for no values."""
    if not values:
        raise ValueError("no values have no percentile")
    if not 0 < p <= 100:
        raise ValueError(f"p must be above 0 and at most 100, not {p}")
    return sorted(values)[max(0, math.ceil(p / 100 * len(values) - 1e-9) - 1)]
