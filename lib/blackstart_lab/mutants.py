"""Systems with one named resilience defect each. One file, one mutant, found by discovery.

Each system's `mutants` package holds them: a file is named like its mutant, with underscores, and holds a `MUTANT`.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

from blackstart_lab.lab_error import NotStarted


@dataclass(frozen=True)
class Mutant:
    """A defect, and which expectations of which experiment it must and may break.

    `parts` are the replaced classes by part name (the system's `parts.HEALTHY` lists the seams); `options` are those
    with which the experiment has to be run (such as `freeze`).
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


M = TypeVar("M", bound=Mutant)


@dataclass(frozen=True)
class Mutants(Generic[M]):
    """The mutants of one system: every module in the folders of its package, which holds it as WORD."""

    system: str
    kind: type[M]
    package: str
    folders: Iterable[str]
    word: str = "mutant"

    def names(self) -> list[str]:
        """Every mutant, without importing any."""
        return sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(self.folders))

    def load(self, name: str) -> M:
        """The mutant of that name, or a refusal that names those there are."""
        there = self.names()
        if name not in there:
            close = difflib.get_close_matches(name, there, n=1)
            hint = f'Did you mean "{close[0]}"?' if close else f"There is: {', '.join(there)}."
            raise NotStarted(f'no {self.word} "{name}" of the {self.system}. {hint}')
        module = importlib.import_module(f"{self.package}.{name.replace('-', '_')}")
        mutant = getattr(module, self.word.upper())
        if not isinstance(mutant, self.kind):
            told = f"{self.word.upper()} of {name} is a {type(mutant).__name__}"
            raise TypeError(f"{told}, not a {self.word} of the {self.system}")
        return mutant
