"""Checkouts with one named resilience defect each. One file, one mutant, found by discovery.

The file is named like the mutant, with underscores, and holds a `MUTANT`.
"""

from dataclasses import dataclass

from blackstart_lab import mutants


@dataclass(frozen=True)
class Mutant(mutants.Mutant):
    """A defect of a checkout. With `reliable_payments` no answer has to wait for a payment's second try: what was
    counted within a window is then seen within it."""

    reliable_payments: bool = False


_MUTANTS = mutants.Mutants("checkout", Mutant, __name__, __path__)
names = _MUTANTS.names
load = _MUTANTS.load
