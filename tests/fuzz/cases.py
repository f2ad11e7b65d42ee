"""How many cases each property is tried with: few in CI, at least 100,000 in all with BLACKSTART_FUZZ=long."""

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

LONG = os.environ.get("BLACKSTART_FUZZ") == "long"
LEAST_LONG = 100_000
declared: dict[str, int] = {}
tried: dict[str, int] = {}
# A case that takes longer than this hangs.
_LIMIT_MS = 10_000


def fuzzed(ci: int, long: int) -> Callable[[Any], Any]:
    """The settings of one property; counts its cases."""

    def mark(test: Any) -> Any:
        declared[test.__name__] = long
        limits = settings(
            max_examples=long if LONG else ci,
            deadline=_LIMIT_MS,
            suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        )
        return pytest.mark.timeout(3600 if LONG else 300)(limits(test))

    return mark


def count(name: str) -> None:
    """One more case of that property."""
    tried[name] = tried.get(name, 0) + 1
