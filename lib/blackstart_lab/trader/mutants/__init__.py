"""Traders with one named resilience defect each. One file, one mutant, found by discovery.

The file is named like the mutant, with underscores, and holds a `MUTANT`.
"""

from dataclasses import dataclass

from blackstart_lab import mutants


@dataclass(frozen=True)
class Mutant(mutants.Mutant):
    """A defect of a trader; `instances` is how many of them it needs to show, and whether it needs the `broker`."""

    instances: int = 1
    broker: bool = False


_MUTANTS = mutants.Mutants("trader", Mutant, __name__, __path__)
names = _MUTANTS.names
load = _MUTANTS.load
