"""Healthy traders of other shapes. One file, one variant, found by discovery."""

from blackstart_lab.mutants import Mutants
from blackstart_lab.variants import Variant

_VARIANTS = Mutants("trader", Variant, __name__, __path__, "variant")
names = _VARIANTS.names
load = _VARIANTS.load
