"""Gateways with one named resilience defect each. One file, one mutant, found by discovery.

The file is named like the mutant, with underscores, and holds a `MUTANT`.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from blackstart_lab.errors import NotStarted


@dataclass(frozen=True)
class Mutant:
    """A defect, and which expectations of which experiment it must and may break.

    `parts` are the replaced classes by part name (`parts.HEALTHY` lists the seams); `options` are those with which the
    experiment has to be run.
    """

    summary: str
    experiment: str
    must_fail: tuple[str, ...]
    parts: Mapping[str, type[Any]]
    may_fail: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def declaration(self) -> dict[str, Any]:
        """All but the code, for those who check that the mutant is caught."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name != "parts"}


def names() -> list[str]:
    """Every mutant, without importing any."""
    return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Mutant:
    """The mutant of that name, or a refusal that names those there are."""
    if name not in names():
        close = difflib.get_close_matches(name, names(), n=1)
        hint = f'Did you mean "{close[0]}"?' if close else f"There is: {', '.join(names())}."
        raise NotStarted(f'no mutant "{name}" of the gateway. {hint}')
    mutant: Mutant = importlib.import_module(f"{__name__}.{name.replace('-', '_')}").MUTANT
    return mutant
