"""Checkouts with one named resilience defect each. One file, one mutant, found by discovery.

The file is named like the mutant, with underscores, and holds a `MUTANT`.
"""

from blackstart_lab import mutants

Mutant = mutants.Mutant
_MUTANTS = mutants.Mutants("checkout", Mutant, __name__, __path__)
names = _MUTANTS.names
load = _MUTANTS.load
