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
    _seen: set[str] = field(default_factory=set)
    _against: str = ""

    @property
    def relation(self) -> Relation:
        condition = self.expectation.condition
        if isinstance(condition, Condition):
            raise TypeError(f"{self.expectation.name} relates nothing")
        return condition

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
        mine = [i for i, probe in enumerate(self.relation.probes) if probe.name == reading.probe]
        for side, said in enumerate(self.relation.says(reading)):
            if side in mine:
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

    def _standing(self) -> tuple[Sequence[Scalar], float, bool] | None:
        """What all sides say now, for how long they have stood together, and whether all were looked at meanwhile;
        None where one of them is not known."""
        sides = [self._sides.get(side) for side in range(len(self.relation.probes))]
        known = [side for side in sides if side is not None]
        if len(known) < len(sides):
            return None
        stood_s = min(side.last.sent_s for side in known) - max(side.first.answered_s for side in known)
        twice = min(side.inside for side in known) >= IN_A_ROW
        looked = twice or stood_s > self.expectation.for_s + max(side.apart_s for side in known)
        return [side.said for side in known], stood_s, looked

    def _look(self) -> None:
        standing = self._standing()
        if standing is None:
            return
        said, stood_s, looked = standing
        if self.relation.holds(said):
            self.agreed += self.relation.applies(said) and stood_s >= 0
        elif looked and stood_s > self.expectation.for_s and not self._against:
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
        standing = self._standing()
        forbidden = standing is not None and not self.relation.holds(standing[0])
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
