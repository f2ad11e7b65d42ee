"""How much of one series another is, in percent: workers that are busy, of all that there are."""

from blackstart.base.codec import plain
from blackstart.model.reading import Answer, Picked
from blackstart.probes.http import Pairs
from blackstart.probes.metrics import Metric, OfPage

_PERCENT = 100


@plain("probe.metric_share")
class MetricShare(OfPage):
    """`part` in percent of `whole`, two series without labels of one page. Absent where one of them is; a whole that is
    not above 0 is unreadable: there is no share of it."""

    part: str
    whole: str
    path: str = "/metrics"
    name: str = ""
    headers: Pairs = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or f"{self.part} of {self.whole}")

    def wanted(self) -> tuple[str, ...]:
        """Both series."""
        return self.part, self.whole

    def pick(self, answer: Answer) -> Picked:
        """Both are of one answer, so that they belong together."""
        found: list[float] = []
        for series in (self.part, self.whole):
            kind, value, note = Metric(series, path=self.path).pick(answer)
            if kind != "value" or not isinstance(value, int | float):
                return kind, None, note
            found.append(float(value))
        part, whole = found
        if not whole > 0:
            return "unreadable", None, f"{self.whole} is {whole:g}"
        return "value", _PERCENT * part / whole, ""
