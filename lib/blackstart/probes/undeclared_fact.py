"""The place of a reading that can't be judged, because the target does not say what it would be measured by."""

from blackstart.base.codec import plain
from blackstart.model.reading import Answer, Picked
from blackstart.probes.http import OverHttp, Pairs


@plain("probe.unstated")
class UndeclaredFact(OverHttp):
    """Always absent. `fact` is the key to be written under [facts]; `path` is a page that is read anyhow."""

    fact: str
    path: str
    name: str = ""
    headers: Pairs = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.fact)

    def pick(self, answer: Answer) -> Picked:
        """Absent."""
        return "absent", None, "the target does not say it of itself"
