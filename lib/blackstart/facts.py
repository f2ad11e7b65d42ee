"""The facts that the shipped experiments read of a target, and what each of them can be.

Deadlines, holds and limits are made of them: one that is not valid is refused where the target file is read, and not
found in the middle of a drill. Facts that stand in no table here are the target's own affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from blackstart.errors import BadTarget

_DAY_S = 86_400
_LARGEST = 1_000_000
_LEAST_PER_S = 0.001
_MOST_STEPS = 100
_LONGEST_SHOWN = 80


def refuse_bad(facts: Mapping[str, Any], where: str) -> None:
    """Raises BadTarget that names `where` they stand, the fact, what was found and what is wanted."""
    for name, value in facts.items():
        if name not in KNOWN:
            continue
        fits, wanted = KNOWN[name]
        if not fits(value):
            raise BadTarget(f'{where}: "{name}" in [facts] must be {wanted}, not {_shown(value)}')


def _shown(value: Any) -> str:
    told = repr(value)
    return told if len(told) <= _LONGEST_SHOWN else f"{told[:_LONGEST_SHOWN]}..."


def _number(value: Any, least: float, most: float) -> bool:
    """Whether it is a number between them; NaN is between nothing."""
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _seconds(value: Any) -> bool:
    return _number(value, 0, _DAY_S) and value > 0


def _seconds_or_none(value: Any) -> bool:
    return _number(value, 0, _DAY_S)


def _steps(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= _MOST_STEPS and all(map(_seconds, value))


def _rate(value: Any) -> bool:
    return _number(value, _LEAST_PER_S, _LARGEST)


def _count(value: Any) -> bool:
    return isinstance(value, int) and _number(value, 1, _LARGEST)


def _word(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


_SECONDS = (_seconds, f"a number of seconds above 0 and at most {_DAY_S}")
_COUNT = (_count, f"a whole number from 1 to {_LARGEST}")

KNOWN: dict[str, tuple[Callable[[Any], bool], str]] = {
    # trader
    "lock_key": (_word, 'text, as in "trader:leader"'),
    "lock_ttl_s": _SECONDS,
    "lock_refresh_s": _SECONDS,
    "backoff_s": (_steps, f"a list of 1 to {_MOST_STEPS} numbers of seconds above 0, as in [1, 2, 4]"),
    "backoff_jitter_s": (_seconds_or_none, f"a number of seconds from 0 to {_DAY_S}"),
    "throttle_orders_per_s": (_rate, f"a number from {_LEAST_PER_S} to {_LARGEST}"),
    "db_timeout_s": _SECONDS,
    # gateway
    "breaker_name": (_word, 'text, as in "redis"'),
    "breaker_open_s": _SECONDS,
    "limit_per_window": _COUNT,
    "window_s": _SECONDS,
    "max_workers": _COUNT,
}
"""What each fact can be, and that in words. A test keeps it equal to what the suites ask for."""
