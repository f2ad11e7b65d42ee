"""What a verification finds: one thing, about one file or bundle."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["wrong", "unsure", "note"]


@dataclass(frozen=True)
class Found:
    """`wrong`: altered, missing, added, out of order, not signed by the key that is asked for. `unsure`: can't be
    checked. `note`: neither."""

    level: Level
    where: str
    what: str
