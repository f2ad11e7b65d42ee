"""Requests that are sent one after another under one key: what the first of them began, the others meet."""

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from typing import ClassVar, Self

from blackstart.base.codec import plain
from blackstart.loads.naming import check_name, check_prefix, new_prefix
from blackstart.loads.operation import Operation


@plain("load.sequence")
class Sequence:
    """Each operation once, in order, the next when the one before has ended, whatever came of it.

    All carry the key `key_prefix`, and their attempts count from 1.
    """

    operations: tuple[Operation, ...]
    name: str = "sequence"
    key_prefix: str = field(default_factory=new_prefix)
    seed: int = 0

    kind: ClassVar[str] = "sequence"

    def __post_init__(self) -> None:
        object.__setattr__(self, "operations", tuple(self.operations))
        check_name(self.name)
        check_prefix(self.key_prefix)
        if not self.operations:
            raise ValueError("a sequence needs at least one operation")

    @property
    def says(self) -> str:
        """How many, and how."""
        return f"{len(self.operations)} requests of one key, one after the other"

    def at(self, base_url: str, headers: Mapping[str, str] | None = None) -> Self:
        """The same with whole addresses below `base_url`, and with these headers added."""
        return dataclasses.replace(self, operations=tuple(item.at(base_url, headers) for item in self.operations))
