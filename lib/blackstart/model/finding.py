"""What became of one expectation: held, broke or inconclusive, when, and why in words."""

from dataclasses import dataclass

from blackstart.model.reading import Reading
from blackstart.model.verdict import Verdict

NOT_OBSERVED = "not observed"  # what an expectation came to that was not seen and need not be
CHANGED = "changed"  # what was seen to be different afterwards, and decides nothing
TOLD_ALONE = (NOT_OBSERVED, CHANGED)
"""The results that neither hold nor break anything."""


@dataclass(frozen=True)
class Interval:
    """When something changed: after `from_s` (the last old reading was sent) and by `to_s` (the first new answer)."""

    from_s: float
    to_s: float

    @property
    def length_s(self) -> float:
        """How long that is."""
        return self.to_s - self.from_s

    @property
    def middle_s(self) -> float:
        """The best single guess."""
        return (self.from_s + self.to_s) / 2


@dataclass(frozen=True)
class Finding:
    """What one expectation came to. `transition` is when the wanted state was entered, where it was.

    Where a `premise` does not hold nothing else counts. `changed`: something was seen to be different afterwards, which
    decides nothing (its status is inconclusive, and it is no criterion). `left_out` is what it would be told by, where
    the operator chose to leave that out.
    """

    name: str
    phase: str
    status: Verdict
    message: str
    expected: str
    actual: str
    transition: Interval | None = None
    criterion: bool = True
    hint: str = ""
    premise: bool = False
    left_out: str = ""
    changed: bool = False


def shown(reading: Reading | None) -> str:
    """A reading in a few words, for messages."""
    return "nothing was read" if reading is None else str(reading)
