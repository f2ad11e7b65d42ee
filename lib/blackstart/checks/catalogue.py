"""Finds the checks among the files of this folder: `exactly_once.py` holds the function `exactly_once`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from blackstart.checks.result import CheckResult
from blackstart.errors import BadExperiment, did_you_mean
from blackstart.history import History

CheckFunction = Callable[..., CheckResult]


@cache
def names() -> tuple[str, ...]:
    """The names of all checks."""
    found = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return tuple(sorted(name for name in found if _function(name) is not None))


def check(name: str) -> CheckFunction:
    """The check of that name. Raises BadExperiment with the names that there are."""
    function = _function(name) if name in names() else None
    if function is None:
        raise BadExperiment(f'no check "{name}".{did_you_mean(name, names())}')
    return function


def run(name: str, history: History, final: Mapping[str, Any], params: Mapping[str, Any] | None = None) -> CheckResult:
    """What the check says. One that crashes is inconclusive. Raises BadExperiment for an unknown check or parameter."""
    function = check(name)
    known = [each for each in inspect.signature(function).parameters if each not in ("history", "final")]
    for param in params or {}:
        if param not in known:
            raise BadExperiment(f'the check {name} has no parameter "{param}".{did_you_mean(param, known)}')
    try:
        return function(history, final, **(params or {}))
    except Exception as error:
        message = f"the check crashed: {type(error).__name__}: {error}"
        return CheckResult(name, "inconclusive", message, "a result", message)


def _function(name: str) -> CheckFunction | None:
    module = importlib.import_module(f"blackstart.checks.{name}")
    function: CheckFunction | None = vars(module).get(name)
    return function if callable(function) else None
