"""Percentiles by the nearest-rank method: the smallest value that at least p percent of all values don't exceed.

It always returns a value that was measured, and for few values the upper ones are their maximum. In Python for few
values, in SQL for those of a history: both by the same rank.
"""

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal

METHOD = "nearest rank"


def percentile(values: Sequence[float], p: float) -> float:
    """The p-th percentile, 0 < p <= 100, of values in any order. Raises ValueError for no values."""
    if not values:
        raise ValueError("no values have no percentile")
    return sorted(values)[rank(p, len(values)) - 1]


def rank(p: float, count: int) -> int:
    """The place, from 1, of the p-th percentile among so many sorted values: so many are no larger."""
    if not 0 < p <= 100:
        raise ValueError(f"p must be above 0 and at most 100, not {p}")
    return max(1, math.ceil(p / 100 * count - 1e-9))


def percentiles_sql(values: str, ps: Iterable[float]) -> str:
    """The list of the p-th percentiles of a column, for DuckDB; NULL for no values. Exact, as shares are decimals."""
    shares = ", ".join(f"{Decimal(str(p)) / 100:.12f}" for p in ps)
    return f"quantile_disc({values}, [{shares}])"
