"""Healthy systems of other shapes, as there are in the world: every drill holds on each of them.

Each system's `variants` package holds them: a file is named like its variant, with underscores, and holds a `VARIANT`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blackstart_lab.mutants import Mutant


@dataclass(frozen=True)
class Variant(Mutant):
    """Parts of another shape, and nothing that may fail. `facts` are what its target declares besides, or otherwise;
    `max_rate_hz` is how often it may be read (None: as the lab itself); `up_before_it_leads`: the lab is up as soon as
    it answers."""

    experiment: str = ""
    must_fail: tuple[str, ...] = ()
    parts: Mapping[str, type[Any]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    max_rate_hz: float | None = None
    up_before_it_leads: bool = False

    def told_of(self, head: Mapping[str, Any]) -> dict[str, Any]:
        """What the lab's target file says, with what this variant declares."""
        rate = {} if self.max_rate_hz is None else {"max_rate_hz": self.max_rate_hz}
        return {**head, **rate, "facts": {**head["facts"], **self.facts}}
