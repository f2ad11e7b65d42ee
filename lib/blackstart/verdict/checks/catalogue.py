"""Finds the checks among the files of this folder, where `exactly_once.py` has a function `exactly_once`; applies them.

A check takes what the run left (see `Recorded`), then its parameters by name. Adding one is adding a file.
"""

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from blackstart.base.errors import BadExperiment, did_you_mean
from blackstart.model.experiment import Check
from blackstart.model.finding import Finding
from blackstart.model.verdict import Verdict
from blackstart.verdict.checks.recorded import Recorded
from blackstart.verdict.checks.result import CheckResult

CheckFunction = Callable[..., CheckResult]
# What checks were called before, with what they took for granted then: records name them, and are judged again.
_FORMER: dict[str, tuple[str, dict[str, Any]]] = {
    "felt": ("fault_observed", {}),
    "affected": ("fault_observed", {"slow_ms": 1000.0}),
    "unstated": ("undeclared_fact", {}),
}


@cache
def names() -> tuple[str, ...]:
    found = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return tuple(sorted(name for name in found if _function(name) is not None))


def apply(check: Check, evidence: Recorded) -> Finding:
    """What the check comes to. One that is not known, or crashes, says nothing of the system: inconclusive."""
    try:
        name, usual = _FORMER.get(check.check, (check.check, {}))
        result = _named(name)(evidence, **{**usual, **check.params})
    except Exception as error:
        message = f"the check crashed: {type(error).__name__}: {error}"
        result = CheckResult(Verdict.INCONCLUSIVE, message, check.check, "no result")
    hint = check.hint if result.verdict != Verdict.HELD else ""
    return Finding(
        check.name, "check", result.verdict, result.message, result.expected, result.actual,
        criterion=check.criterion, hint=hint, premise=check.premise,
    )  # fmt: skip


def _named(name: str) -> CheckFunction:
    function = _function(name) if name in names() else None
    if function is None:
        raise BadExperiment(f'no check "{name}".{did_you_mean(name, names())}')
    return function


def _function(name: str) -> CheckFunction | None:
    module = importlib.import_module(f"blackstart.verdict.checks.{name}")
    function: CheckFunction | None = vars(module).get(name)
    return function if callable(function) else None
