"""One relation between readings followed through a run: several probes, which are never read at exactly one moment.

What a side says stands for certain from the first reading's answer to the last one's sending. The relation is violated
where all sides stood together, in a way that it forbids, for longer than `for_s`, and each was looked at twice
meanwhile, or it lasted for longer than any of them was not looked at. What stood for less is undecided while it lasts,
and nothing afterwards; but for what came and went too often.

It holds only where it was looked at: not for what one side said while nobody knew of the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from blackstart.model.expect import Condition, Relation
from blackstart.model.finding import Interval, shown
from blackstart.model.reading import Reading, Scalar
from blackstart.model.verdict import Verdict
from blackstart.verdict import doubts
from blackstart.verdict.expectation_monitor import GAP_LEAST_S, IN_A_ROW, READ_GRACE_S, Monitor


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
class _Span:
    """A time in which one side is known to have said this; to one tick, where it said another thing next."""

    said: Scalar
    from_s: float
    to_s: float


@dataclass
class _Unseen:
    """For how long nobody knew whether it was violated, without what is too short to hide a violation; and the longest
    time in a row in which one side said that it applied, and nobody knew."""

    lasted_s: float = 0.0
    longest_s: float = 0.0


@dataclass
class RelationMonitor(Monitor):
    """Follows an expectation over a relation. It listens from the baseline on, and judges from `opened_s` on.

    `count` are the readings in which there was something to hold, `violations` those of them in which the sides stood
    forbidden, and `flickers` how often the side that made it so took it back itself: no other had followed it. `given`:
    how many readings of the first side said that there was something to hold, while the others were known.
    """

    agreed: int = 0
    given: int = 0
    before: bool = False
    flickers: int = 0
    _sides: dict[int, _Stretch] = field(default_factory=dict)
    relation: Relation = field(init=False)
    _read_by: list[str] = field(init=False)  # of each side, the probe
    _against: str = ""
    _made_by: str = ""  # the probe whose reading made it forbidden, while it is so
    _known: dict[int, list[_Span]] = field(default_factory=dict)
    _read: dict[int, Reading] = field(default_factory=dict)
    _said_nothing: dict[int, Reading] = field(default_factory=dict)

    def __post_init__(self) -> None:
        condition = self.expectation.condition
        if isinstance(condition, Condition):
            raise TypeError(f"{self.expectation.name} relates nothing")
        self.relation, self._read_by = condition, [probe.name for probe in condition.probes]

    def judge_from(self, at_s: float) -> "RelationMonitor":
        """What was seen before says only whether the relation can be seen at all."""
        self.opened_s, self.before, self.agreed, self.count = at_s, self.agreed > 0, 0, 0
        self.violations = self.flickers = self.given = 0
        self._sides, self._known, self._read, self._said_nothing = {}, {}, {}, {}
        self._against, self._made_by, self.gap = "", "", None
        return self

    def feed(self, reading: Reading, tick_s: float) -> bool:
        """Take the next reading of one of its probes. Decides nothing that is waited for."""
        if reading.answered_s < self.opened_s:
            return False
        self.last, self._tick_s = reading, tick_s
        for side, said in enumerate(self.relation.says(reading)):
            if self._read_by[side] == reading.probe:
                self._note_unread(side, reading)
                self._take(side, said, reading)
        self._look(reading)
        return False

    def _note_unread(self, side: int, reading: Reading) -> None:
        """Whether nobody looked for longer than a read in flight takes, and it may be violated for."""
        since_s = self._read[side].answered_s if side in self._read else self.opened_s
        if self.gap is None and reading.sent_s - since_s > self._most_unread_s:
            self.gap = Interval(since_s, reading.sent_s)
        self._read[side] = reading

    @property
    def _most_unread_s(self) -> float:
        return max(self.expectation.for_s, self._gap_s(self._tick_s)) + READ_GRACE_S

    def _note_known(self, side: int, said: Scalar, reading: Reading) -> None:
        spans, before = self._known.setdefault(side, []), self._sides.get(side)
        if said is None:
            self._said_nothing[side] = reading
            return
        goes_on = before is not None and reading.sent_s - before.last.answered_s <= self._gap_s(self._tick_s)
        if goes_on:
            spans[-1].to_s = reading.answered_s
        if not goes_on or type(spans[-1].said) is not type(said) or spans[-1].said != said:
            spans.append(_Span(said, reading.answered_s, reading.answered_s))

    def _take(self, side: int, said: Scalar, reading: Reading) -> None:
        known = self._sides.get(side)
        self._note_known(side, said, reading)
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

    def _look(self, reading: Reading) -> None:
        said = self._said()
        if said is None:
            self._made_by = ""
            return
        stood_s, holds, applies = self._stood_s(), self.relation.holds(said), bool(self.relation.applies(said))
        self.count += applies
        self.given += applies and reading.probe == self._read_by[0]
        if holds:
            self.agreed += applies and stood_s >= 0
            self.flickers += self._made_by == reading.probe
            self._made_by = ""
            return
        self.violations += 1
        self._made_by = self._made_by or reading.probe
        if stood_s > self.expectation.for_s and not self._against and self._looked_at(stood_s):
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

    def _unseen(self, at_s: float) -> _Unseen:
        """What of the window nobody saw, until `at_s`."""
        spans = [list(self._known.get(side, ())) for side in range(len(self._read_by))]
        for side, last in self._sides.items():
            if at_s - last.last.answered_s <= self._most_unread_s:  # a read may be in flight
                spans[side].append(_Span(last.said, last.last.answered_s, at_s))
        edges = {self.opened_s, at_s, *(at for known in spans for one in known for at in (one.from_s, one.to_s))}
        made, place = _Unseen(), [0] * len(spans)
        blind_s = applied_s = 0.0
        for from_s, to_s in pairwise(sorted(edges)):
            said: list[Scalar] = []
            for side, known in enumerate(spans):
                while place[side] < len(known) and known[place[side]].to_s <= from_s:
                    place[side] += 1
                there = place[side] < len(known) and known[place[side]].from_s <= from_s
                said.append(known[place[side]].said if there else None)
            applies, lasted_s = self.relation.applies(said), to_s - from_s
            if self._tells(said):
                blind_s = applied_s = 0.0
                continue
            said_so = applies and any(one is not None for one in said)  # what is away altogether says nothing
            longer_s, applied_s = blind_s + lasted_s, applied_s + (lasted_s if said_so else 0.0)
            if longer_s > self.expectation.for_s:
                made.lasted_s += lasted_s if blind_s > self.expectation.for_s else longer_s
            blind_s, made.longest_s = longer_s, max(made.longest_s, applied_s)
        return made

    def _tells(self, said: Sequence[Scalar]) -> bool:
        """Whether what is known of the sides says whether they may stand so."""
        if self.relation.applies(said) is False or None not in said:
            return True
        return None not in said[1:] and self.relation.applies(said) is None and self.relation.holds([True, *said[1:]])

    def _doubt(self, at_s: float) -> str:
        """Why what was never violated holds nothing; "" where there is nothing in the way."""
        # Who may follow after a while may be overtaken often: by a part that is slow, and by another that flickers.
        quick = self.expectation.for_s <= GAP_LEAST_S and self._may_be_judged
        if quick and self.flickers >= doubts.OFTEN and (often := doubts.too_often(self)):
            return often
        if self.wavering:
            return f"violated at the end, for too short a time to tell: {self._told()}"
        if short := doubts.too_short(self, at_s):
            return short
        if not self.agreed:
            return f"not observed: never seen at one time; last, {shown(self.last)}"
        unread_s, probe = min((last.answered_s, last.probe) for last in self._read.values())
        if at_s - unread_s > self._most_unread_s:
            return f"no reading of {probe} in the last {at_s - unread_s:.1f} s"
        if self.gap is not None:
            return f"no reading for {self.gap.length_s:.2f} s"
        unseen, lasted_s = self._unseen(at_s), at_s - self.opened_s
        nothing = {
            one.probe: f"; {one if one.kind == 'value' else replace(one, note='')}"
            for one in self._said_nothing.values()
        }
        told = f"it may have been violated unseen{''.join(nothing.values())}"
        if unseen.longest_s > self._most_unread_s:
            return f"for {unseen.longest_s:.1f} s in a row {told}"
        if unseen.lasted_s > doubts.MOST_UNSEEN_PART * lasted_s:
            return f"for {unseen.lasted_s:.1f} of {lasted_s:.1f} s {told}"
        if min(self.agreed, self.given) < IN_A_ROW:
            return f"seen to hold for one reading alone, and {IN_A_ROW} decide; last, {shown(self.last)}"
        return ""

    def _finish_constant(self, at_s: float) -> tuple[Verdict, str]:
        if self._violated():
            return Verdict.BROKE, f"violated: {self._against}"
        if self._against:
            return Verdict.INCONCLUSIVE, f"was never seen to agree, which may be how it is written: {self._against}"
        if doubt := self._doubt(at_s):
            return Verdict.INCONCLUSIVE, doubt
        return Verdict.HELD, f"in {self.agreed} readings"
