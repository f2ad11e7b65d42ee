"""Healthy traders of other shapes, as there are in the world: every drill holds on each of them.

One file, one variant, found by discovery: it is named like the variant, with underscores, and holds a `VARIANT`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blackstart_lab import mutants

_MAX_RATE_HZ = 100.0


@dataclass(frozen=True)
class Variant(mutants.Mutant):
    """Parts of another shape, and nothing that may fail. `facts` are what its target declares besides, or otherwise;
    `up_before_it_leads`: the lab is up as soon as it answers."""

    experiment: str = ""
    must_fail: tuple[str, ...] = ()
    parts: Mapping[str, type[Any]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    max_rate_hz: float = _MAX_RATE_HZ
    up_before_it_leads: bool = False


_VARIANTS = mutants.Mutants("trader", Variant, __name__, __path__, "variant")
names = _VARIANTS.names
load = _VARIANTS.load
