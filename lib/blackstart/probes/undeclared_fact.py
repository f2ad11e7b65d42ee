"""The place of a reading that can't be judged, because the target does not say what it would be measured by."""

from blackstart.base.codec import plain
from blackstart.model.reading import Answer
from blackstart.probes.http import HttpGet, OverHttp, Pairs, Picked


@plain("probe.unstated")
class UndeclaredFact(OverHttp):
    """Always absent. `fact` is the key to be written under [facts]; `path` is a page that is read anyhow."""

    fact: str
    path: str
    name: str = ""
    headers: Pairs = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.fact)

    def endpoint(self) -> HttpGet:
        """GET of the page, shared with the probes that read it."""
        return HttpGet(self.path, self.headers)

    def pick(self, answer: Answer) -> Picked:
        """Absent."""
        return "absent", None, "the target does not say it of itself"
