"""Finds the labs: every package beside this module that has a `lab.py`."""

import difflib
import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from typing import TYPE_CHECKING

import blackstart_lab
from blackstart_lab.lab_error import NotStarted
from blackstart_lab.option import Option

if TYPE_CHECKING:
    from blackstart_lab.model import Lab


def packages() -> dict[str, str]:
    """Lab name to module name, without importing any lab. Underscores of a package are hyphens of its lab."""
    found = {}
    for module in pkgutil.iter_modules(blackstart_lab.__path__, "blackstart_lab."):
        if module.ispkg and importlib.util.find_spec(f"{module.name}.lab"):
            found[module.name.rpartition(".")[2].replace("_", "-")] = f"{module.name}.lab"
    return found


def options(name: str) -> Mapping[str, Option]:
    """What `up` can be told of that lab, by name, without importing the lab. Refuses as `load` does."""
    module = f"{_module(name).removesuffix('.lab')}.options"
    known: Mapping[str, Option] = importlib.import_module(module).OPTIONS if importlib.util.find_spec(module) else {}
    return known


def load(name: str) -> "Lab":
    """The lab of that name, or a refusal that names those there are."""
    lab: Lab = importlib.import_module(_module(name)).LAB
    return lab


def _module(name: str) -> str:
    known = packages()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f'Did you mean "{close[0]}"?' if close else f"There is: {', '.join(sorted(known))}."
        raise NotStarted(f'no lab "{name}". {hint}')
    return known[name]
