"""One relation between readings followed through a run: several probes, which are never read at exactly one moment.

What a side says stands for certain from the first reading's answer to the last one's sending. The relation is violated
where all sides stood together, in a way that it forbids, for longer than `for_s`, and each was looked at twice
meanwhile, or it lasted for longer than any of them was not looked at. What stood for less is undecided while it lasts,
and nothing afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from blackstart.model.expect import Condition, Relation
from blackstart.model.finding import shown
from blackstart.model.reading import Reading, Scalar
from blackstart.model.verdict import Verdict
from blackstart.verdict import doubts
from blackstart.verdict.expectation_monitor import IN_A_ROW, Monitor


@dataclass
class _Stretch:
    """The readings in a row in which one side said the same."""

    said: Scalar
    first: Reading
    last: Reading
    apart_s: float = 0.0
    inside: int = 0

    def goes_on(self, said: Scalar, reading: Reading, allowed_s: float) -> bool:
        """Whether the next reading is one of them; then it is taken."""
        # A slow answer is no gap: only between an answer and the next question did nobody look.
        if said != self.said or type(said) is not type(self.said) or reading.sent_s - self.last.answered_s > allowed_s:
            return False
        apart_s = reading.answered_s - self.last.sent_s
        self.last, self.apart_s, self.inside = reading, max(self.apart_s, apart_s), self.inside + 1
        return True


@dataclass
class RelationMonitor(Monitor):
    """Follows an expectation over a relation. It listens from the baseline on, and judges from `opened_s` on."""

    agreed: int = 0
    before: bool = False
    _sides: dict[int, _Stretch] = field(default_factory=dict)
    relation: Relation = field(init=False)
    _read_by: list[str] = field(init=False)  # of each side, the probe
    _against: str = ""

    def __post_init__(self) -> None:
        condition = self.expectation.condition
        if isinstance(condition, Condition):
            raise TypeError(f"{self.expectation.name} relates nothing")
        self.relation, self._read_by = condition, [probe.name for probe in condition.probes]

    def judge_from(self, at_s: float) -> "RelationMonitor":
        """What was seen before says only whether the relation can be seen at all."""
        self.opened_s, self.before, self.agreed, self.count = at_s, self.agreed > 0, 0, 0
        self._sides, self._against = {}, ""
        return self

    def feed(self, reading: Reading, tick_s: float) -> bool:
        """Take the next reading of one of its probes. Decides nothing that is waited for."""
        if reading.answered_s < self.opened_s:
            return False
        self.count += 1
        self.last, self._tick_s = reading, tick_s
        for side, said in enumerate(self.relation.says(reading)):
            if self._read_by[side] == reading.probe:
                self._take(side, said, reading)
        self._look()
        return False

    def _take(self, side: int, said: Scalar, reading: Reading) -> None:
        known = self._sides.get(side)
        if said is None:
            self._sides.pop(side, None)
        elif known is None or not known.goes_on(said, reading, self._gap_s(self._tick_s)):
            self._sides[side] = _Stretch(said, reading, reading)
            for other in self._sides.values():  # they stand together from now on: what was before does not count
                other.apart_s, other.inside = 0.0, 0

    def _said(self) -> Sequence[Scalar] | None:
        """What all sides say now; None where one of them is not known."""
        if len(self._sides) < len(self._read_by):
            return None
        return [self._sides[side].said for side in range(len(self._read_by))]

    def _stood_s(self) -> float:
        """For how long all sides, which are known, have stood together."""
        known = self._sides.values()
        return min([side.last.sent_s for side in known]) - max([side.first.answered_s for side in known])

    def _looked_at(self, stood_s: float) -> bool:
        """Whether all sides were looked at while they stood together for so long."""
        known = self._sides.values()
        twice = min(side.inside for side in known) >= IN_A_ROW
        return twice or stood_s > self.expectation.for_s + max(side.apart_s for side in known)

    def _look(self) -> None:
        said = self._said()
        if said is None:
            return
        stood_s = self._stood_s()
        if self.relation.holds(said):
            self.agreed += self.relation.applies(said) and stood_s >= 0
        elif stood_s > self.expectation.for_s and not self._against and self._looked_at(stood_s):
            self._against = f"{self._told()}, for {stood_s:.2f} s and more"
            self._seen_otherwise = self.last

    def _told(self) -> str:
        return " while ".join(str(side.last) for _, side in sorted(self._sides.items()))

    @property
    def _may_be_judged(self) -> bool:
        return bool(self.before or self.agreed or not self.relation.needs_agreement)

    def _violated(self) -> bool:
        return bool(self._against) and self._may_be_judged

    @property
    def wavering(self) -> bool:
        said = self._said()
        forbidden = said is not None and not self.relation.holds(said)
        return forbidden and self._may_be_judged and not self._violated()

    def _finish_constant(self, at_s: float) -> tuple[Verdict, str]:
        if self._violated():
            return Verdict.BROKE, f"violated: {self._against}"
        if self._against:
            return Verdict.INCONCLUSIVE, f"was never seen to agree, which may be how it is written: {self._against}"
        if self.wavering:
            return Verdict.INCONCLUSIVE, f"violated at the end, for too short a time to tell: {self._told()}"
        if short := doubts.too_short(self, at_s):
            return Verdict.INCONCLUSIVE, short
        if not self.agreed:
            return Verdict.INCONCLUSIVE, f"not observed: never seen at one time; last, {shown(self.last)}"
        return Verdict.HELD, f"in {self.agreed} readings"
