"""Flash sales with one named resilience defect each. One file, one mutant, found by discovery.

The file is named like the mutant, with underscores, and holds a `MUTANT`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blackstart_lab import mutants


@dataclass(frozen=True)
class Mutant(mutants.Mutant):
    """A defect of a sale; it may also lie in what is around the programs.

    Not `revived`: the supervisor leaves a program that was killed where it is. `sticky`: the load balancer has one
    instance for each key, and asks no other. `remembers`: by its events, whether it was started before.
    """

    parts: Mapping[str, type[Any]] = field(default_factory=dict)
    revived: bool = True
    sticky: bool = False
    remembers: bool = False


NONE = Mutant("as it is promised", "", ())
_MUTANTS = mutants.Mutants("flash sale", Mutant, __name__, __path__)
names = _MUTANTS.names
load = _MUTANTS.load
