"""What the facts can be that the shipped experiments read of a target: each suite's `system.py` names its own.

Deadlines, holds and limits are made of them: one that is not valid is refused where the target file is read, and not
found in the middle of a drill. Facts that no suite knows are the target's own affair.
"""

import re
from collections.abc import Mapping
from typing import Any

from blackstart.base.errors import BadTarget
from blackstart.model.system import Fact

_DAY_S = 86_400
_LARGEST = 1_000_000
_LEAST_PER_S = 0.001
_MOST_STEPS = 100
_LONGEST_SHOWN = 80
_IDENTIFIERS = re.compile(r"[^\W\d][\w$]{0,62}(\.[^\W\d][\w$]{0,62})?")


def refuse_bad(facts: Mapping[str, Any], known: Mapping[str, Fact], where: str) -> None:
    """Raises BadTarget that names `where` they stand, the fact, what was found and what is wanted."""
    for name in filter(known.__contains__, facts):
        (fits, wanted), value = known[name], facts[name]
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


def _steps(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= _MOST_STEPS and all(map(_seconds, value))


def _word(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()


def _column(value: Any) -> bool:
    return isinstance(value, str) and bool(_IDENTIFIERS.fullmatch(value))


SECONDS: Fact = (_seconds, f"a number of seconds above 0 and at most {_DAY_S}")
SECONDS_OR_NONE: Fact = (lambda value: _number(value, 0, _DAY_S), f"a number of seconds from 0 to {_DAY_S}")
STEPS: Fact = (_steps, f"a list of 1 to {_MOST_STEPS} numbers of seconds above 0, as in [1, 2, 4]")
RATE: Fact = (lambda value: _number(value, _LEAST_PER_S, _LARGEST), f"a number from {_LEAST_PER_S} to {_LARGEST}")
SHARE: Fact = (lambda value: _number(value, 0, 1) and value > 0, "a number above 0 and at most 1, as in 0.8 for 80 %")
COUNT: Fact = (
    lambda value: isinstance(value, int) and _number(value, 1, _LARGEST),
    f"a whole number from 1 to {_LARGEST}",
)
YES_OR_NO: Fact = (lambda value: isinstance(value, bool), "true or false")


def column(example: str) -> Fact:
    """The name of a table or column as it is written without quotes, with its schema before a dot."""
    return _column, f'the name of a table or column, as in "{example}"'


def word(example: str) -> Fact:
    """Text that can be printed, as in the example."""
    return _word, f'text, as in "{example}"'
