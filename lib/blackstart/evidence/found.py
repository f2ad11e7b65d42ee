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


def unread(where: str, error: OSError) -> Found:
    """What is said of a file that should be there and can't be read."""
    told = "is missing" if isinstance(error, FileNotFoundError) else "can't be read"
    return Found("wrong", where, f"{told} ({error.strerror})")
