"""Which of many alike cases every run takes; the others are marked slow."""

from collections.abc import Iterable
from typing import Any

import pytest


def slow_but(cases: Iterable[str], *quick: str) -> list[Any]:
    """The cases as parameters of a test, all of them slow but the `quick` ones. One that is no case is a mistake."""
    names = list(cases)
    if missing := set(quick) - set(names):
        raise ValueError(f"no such case: {', '.join(sorted(missing))}")
    return [pytest.param(name, marks=() if name in quick else pytest.mark.slow) for name in names]
