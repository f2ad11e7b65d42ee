"""Shops with one named resilience defect each. One file, one mutant, found by discovery.

The file is named like the mutant, with underscores, and holds a `MUTANT`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blackstart_lab import mutants


@dataclass(frozen=True)
class Mutant(mutants.Mutant):
    """A defect of a shop; it may also lie in what is around the programs.

    Not `revived`: the supervisor leaves a program that was ended where it is. Not `limited`: nobody ends a program that
    takes more memory than it may.
    """

    parts: Mapping[str, type[Any]] = field(default_factory=dict)
    revived: bool = True
    limited: bool = True


LEFT_PENDING = ("queue_drains", "backlog_drains", "confirmed_orders_told")
"""What a mutant may fail that leaves many orders pending: they are settled, and told of, when the load has ended."""

NONE = Mutant("as it is promised", "", ())
_MUTANTS = mutants.Mutants("shop", Mutant, __name__, __path__)
names = _MUTANTS.names
load = _MUTANTS.load
