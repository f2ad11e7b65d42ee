"""One expectation followed through a run, reading by reading. The engine feeds it live, the judge from the journal.

The rules are those of docs/design.md, "What a reading means". Two readings in a row decide; a gap of more than five
ticks means that nothing is known about that time.
"""

import math
from dataclasses import dataclass, field

from blackstart.model.expect import (
    AGAINST_BASELINE,
    FRESH,
    NOT_FALLEN,
    SILENT,
    TIMED_OUT,
    UNREACHABLE,
    Condition,
    Expectation,
)
from blackstart.model.finding import Finding, Interval, shown
from blackstart.model.reading import UNSEEN, Reading, Scalar
from blackstart.model.verdict import Verdict
from blackstart.verdict import doubts

GAP_TICKS = 5
# A tick of 20 ms would make every hiccup of a busy machine's scheduler a hole in the evidence. Half of what a target
# that is sampled politely (5 Hz) is allowed.
GAP_LEAST_S = 0.5
IN_A_ROW = 2
# The longest that a read in flight may keep the last reading of a window away.
READ_GRACE_S = 5.0

SINCE = {"baseline": "the start", "fault": "the fault", "recovery": "the undo", "drain": "the load's end"}
"""What the times of each phase's expectations count from, for people."""


@dataclass
class Monitor:
    """Follows one expectation from `opened_s`. `anchor_s` is the proven effect that `within_s` counts from.

    `answered`: the probe had an answer before; silence says nothing of what never spoke. `fault_was_cut_short`: what it
    does may be felt later only, when it is over already. `says_until_s`: from then on one outcome, that of the
    load's last request, is read again and again. `silent_s`: for how long no reading gave a value. `unwatched`: when
    nobody saw first whether what should stay was still there. `kept`: how many readings did not violate an `always` or
    `never`.
    """

    expectation: Expectation
    phase: str
    opened_s: float
    reference: Scalar = None
    anchor_s: float | None = None
    answered: bool = True
    fault_was_cut_short: bool = False
    says_until_s: float = math.inf
    count: int = 0
    values: int = 0
    kept: int = 0
    silent_s: float = 0.0
    violations: int = 0
    last: Reading | None = None
    gap: Interval | None = None
    unwatched: Interval | None = None
    unseen: Reading | None = None
    malformed: Reading | None = None
    _old: Reading | None = None
    _new: list[Reading] = field(default_factory=list)
    _bad: list[Reading] = field(default_factory=list)
    _wrong: list[Reading] = field(default_factory=list)  # those of them that say something of the target
    _left: tuple[float, Reading] | None = None  # of what should stay: when it was last as wanted, and what came then
    _seen_otherwise: Reading | None = None
    _saw_s: float = 0.0  # when a reading last said something of the target
    _counted: float = -math.inf  # of a counter that must not fall: what it was last
    _tick_s: float = 0.0

    def feed(self, reading: Reading, tick_s: float) -> bool:
        """Take the next reading of this expectation's probe; readings come in order of their answers.

        Returns whether it decided something: that an `eventually` came true.
        """
        if reading.answered_s < self.opened_s:
            return False
        if isinstance(self.expectation.condition, Condition):
            reading = self.expectation.condition.heard(reading)
        # The slower of the two ticks is what was promised for the time between these readings.
        allowed_s, self._tick_s = self._gap_s(max(tick_s, self._tick_s)), tick_s
        self._note_gap(reading, allowed_s)
        self._note_unwatched(reading, allowed_s)
        self.count += 1
        if reading.kind != "value":
            self.silent_s += reading.answered_s - (self.last.answered_s if self.last else self.opened_s)
        self.last = reading
        self.values += reading.kind == "value"
        self.answered |= reading.kind not in (UNREACHABLE, TIMED_OUT, "unreadable")
        if reading.kind == "unreadable" or (reading.kind == "absent" and self.unseen is None):
            self.unseen = reading
        if reading.kind == "malformed":
            self.malformed = reading
        if self.expectation.when != "eventually":
            self._feed_constant(reading)
            return False
        waited = not self._settled()
        self._feed_eventually(reading)
        return waited and self._settled()

    def _note_gap(self, reading: Reading, allowed_s: float) -> None:
        since_s = self.last.answered_s if self.last else self.opened_s
        if reading.sent_s - since_s <= allowed_s:
            return
        self.gap = self.gap or Interval(since_s, reading.sent_s)
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Nobody knows what was in between: what was seen before and what comes now are not in a row."""
        if self.expectation.when != "eventually":
            self._bad = self._bad if self._violated() else []
        elif not self._settled():
            self._new = []
        elif self._left is None and (self.expectation.stays or len(self._wrong) < IN_A_ROW):
            self._wrong = []

    def _note_unwatched(self, reading: Reading, allowed_s: float) -> None:
        """What should stay may be lost, and come back, while nobody looks, and while no reading says anything of it."""
        if reading.kind in UNSEEN:
            return
        long = reading.sent_s - self._saw_s > allowed_s
        if long and self.unwatched is None and self.expectation.stays and self._settled():
            self.unwatched = Interval(self._saw_s, reading.sent_s)
        self._saw_s = reading.answered_s

    @staticmethod
    def _gap_s(tick_s: float) -> float:
        return max(GAP_TICKS * tick_s, GAP_LEAST_S)

    @property
    def _nothing_to_compare(self) -> bool:
        return self.expectation.condition.op in AGAINST_BASELINE and self.reference is None

    def _matches(self, reading: Reading) -> bool:
        condition = self.expectation.condition
        if self._nothing_to_compare:
            return False
        if condition.op == FRESH and not self._began_since(reading):
            return False
        return isinstance(condition, Condition) and condition.matches(reading, self.reference)

    def _began_since(self, reading: Reading) -> bool:
        age_s = reading.value
        if self.anchor_s is None or isinstance(age_s, bool) or not isinstance(age_s, int | float):
            return False
        return reading.answered_s - age_s > self.anchor_s

    def _feed_eventually(self, reading: Reading) -> None:
        if self._matches(reading):
            self._new.append(reading)
            del self._new[2:-1]  # the first, and enough of the rest to know that it lasted
        elif not self._settled():
            self._old, self._new = reading, []
            self._seen_otherwise = self._seen_otherwise if reading.kind in UNSEEN else reading
        else:
            self._lose(reading)
            return
        self._bad, self._wrong = [], []

    def _lose(self, reading: Reading) -> None:
        """It was lost again, perhaps."""
        if reading.answered_s >= self.says_until_s:
            return  # two readings decide, not one that is read twice
        self._bad.append(reading)
        del self._bad[IN_A_ROW:]
        if reading.kind in UNSEEN:
            self._begin_anew()
            return
        self._wrong.append(reading)
        del self._wrong[IN_A_ROW:]
        if len(self._wrong) < IN_A_ROW or self.expectation.momentary:
            return
        # What was so from the first reading on was so before a short fault was felt: no recovery yet. And a queue that
        # fills again after the load, from work that was left elsewhere, has not been worked off yet.
        if (self._old is None and self.fault_was_cut_short) or self.phase == "drain":
            self._old, self._new, self._bad, self._wrong = reading, [], [], []
            self._seen_otherwise, self.unwatched = reading, None
        elif self.expectation.stays and self._left is None and self._lost_for_s() >= self.expectation.for_s:
            self._left = (self._new[-1].sent_s, self._wrong[0])

    def _lost_for_s(self) -> float:
        since = next(iter(self._wrong or self._bad), None)
        return self.last.answered_s - since.sent_s if self.last and since else 0.0

    def _settled(self) -> bool:
        if self.expectation.momentary and self._new:
            return True
        return (
            len(self._new) >= IN_A_ROW and self._new[-1].answered_s - self._new[0].answered_s >= self.expectation.for_s
        )

    def _feed_constant(self, reading: Reading) -> None:
        if self._violates(reading):
            self._bad.append(reading)
            self.violations += 1
            return
        self.kept += reading.kind not in UNSEEN
        if not self._violated():
            self._bad = []
        # A counter that fell to what is above the baseline's still fell. Two readings say how high it was.
        if self.expectation.condition.op == NOT_FALLEN and reading.number is not None:
            lower, self._counted = min(reading.number, self._counted), reading.number
            self.reference = max(self.reference, lower) if isinstance(self.reference, int | float) else self.reference

    def _violates(self, reading: Reading) -> bool:
        if reading.kind in UNSEEN or self._nothing_to_compare:
            return False
        if self.expectation.when == "always":
            return not self._matches(reading)
        return self._matches(reading)

    def _violated(self) -> bool:
        return len(self._bad) >= IN_A_ROW and self._bad[-1].answered_s - self._bad[0].sent_s >= self.expectation.for_s

    @property
    def against(self) -> Reading | None:
        """The first reading that violated it, or by which it was lost again; else the last before it came true."""
        if self._left is not None:
            return self._left[1]
        return next(iter(self._bad if self.expectation.when != "eventually" else self._wrong), self._seen_otherwise)

    @property
    def wavering(self) -> bool:
        """Whether its last readings are a violation, or a loss, of which the next ones decide whether it counts."""
        if self.expectation.when != "eventually":
            return bool(self._bad) and not self._violated()
        undecided = self._left is None and not self.lost_again and not self.expectation.momentary
        return self._settled() and bool(self._bad) and undecided

    @property
    def interval(self) -> Interval | None:
        """When the wanted state was entered, for an `eventually` that has come true."""
        if not self._settled():
            return None
        first = self._new[0]
        # A request that is never answered was sent into silence: the silence began before, not at its time limit.
        silent = first.kind == TIMED_OUT and self.expectation.condition.op in (TIMED_OUT, SILENT)
        to_s = first.sent_s if silent else first.answered_s
        return Interval(min(self._old.sent_s if self._old else self.opened_s, to_s), to_s)

    @property
    def holds_now(self) -> bool:
        """Whether the last reading is as wanted."""
        return self.last is not None and self._matches(self.last)

    @property
    def lost_again(self) -> bool:
        """The wanted state was entered and the last readings say that it was left again: for longer than it may be."""
        in_a_row = self._settled() and len(self._bad) >= IN_A_ROW and not self.expectation.momentary
        return in_a_row and not (self.expectation.stays and self._lost_for_s() < self.expectation.for_s)

    @property
    def left(self) -> Interval | None:
        """Between which readings the wanted state was left again, where it was."""
        if self._left is not None:
            return Interval(self._left[0], self._left[1].answered_s)
        return Interval(self._new[-1].sent_s, self._bad[0].answered_s) if self.lost_again else None

    def deadline_s(self) -> float | None:
        """When the wait ends; None while the effect that it counts from is not proved."""
        if self.anchor_s is None or self.expectation.within_s is None:
            return None
        return self.anchor_s + self.expectation.within_s

    def decided(self, now_s: float, spare_s: float = 0.0) -> bool:
        """Whether more readings can't change an `eventually`: it came true, or its deadline was seen to pass.

        `spare_s` is for how much longer it is looked at, because we ourselves were late.
        """
        if self.expectation.when != "eventually":
            return self._violated()
        if self._settled():
            return True
        deadline_s = self.deadline_s()
        if deadline_s is None or self._new:
            return False
        deadline_s += spare_s
        if self._old and self._old.sent_s >= deadline_s:
            return True
        # A reader that hangs can't hold the run: past the deadline, its time limit and a gap, nothing more is awaited.
        return now_s > deadline_s + READ_GRACE_S

    @property
    def since(self) -> str:
        """What its time counts from, for people."""
        return SINCE.get(self.phase, SINCE["fault"])

    def finish(self, at_s: float) -> Finding:
        """What it came to, with no more readings after `at_s`."""
        judged = self._finish_eventually if self.expectation.when == "eventually" else self._finish_constant
        status, message = judged(at_s)
        return Finding(
            self.expectation.name,
            self.phase,
            status,
            message,
            expected=self._expected(),
            actual=shown(self._bad[0] if self.expectation.when != "eventually" and self._bad else self.last),
            transition=self.interval if self.expectation.when == "eventually" else None,
            criterion=self.expectation.criterion,
            hint=self.expectation.hint if status != Verdict.HELD else "",
        )

    def _unobservable(self, reading: Reading) -> str:
        needs = self.expectation.requires
        return f"not observable: {reading}{f'; the target must show {needs}' if needs else ''}"

    def _expected(self) -> str:
        limit_s = self.expectation.within_s
        return f"{self.expectation.when} {self.expectation.condition}{f' within {limit_s:g} s' if limit_s else ''}"

    def _finish_eventually(self, at_s: float) -> tuple[Verdict, str]:
        interval, deadline_s = self.interval, self.deadline_s()
        if self.count == 0:
            return Verdict.INCONCLUSIVE, f"no reading of {self.expectation.condition.probes[0].name} at all"
        if self._nothing_to_compare:
            return Verdict.INCONCLUSIVE, "the baseline gave nothing to compare with"
        if interval is not None:
            return self._judge_time(interval, deadline_s, at_s)
        if deadline_s is not None and self._too_late(deadline_s, at_s):
            within = f"within {self.expectation.within_s:g} s of {self.since}; last, {shown(self._seen_otherwise)}"
            if self.expectation.momentary and self.gap is not None:  # it may have been passed through unseen
                return Verdict.INCONCLUSIVE, f"was not seen {within}, and no reading for {self.gap.length_s:.2f} s"
            return Verdict.BROKE, f"did not come true {within}"
        if self.last is not None and self.last.kind in UNSEEN:
            return Verdict.INCONCLUSIVE, self._unobservable(self.last)
        if deadline_s is None:
            return Verdict.INCONCLUSIVE, f"the effect that it counts from was not proved; last, {shown(self.last)}"
        if at_s < deadline_s:
            left_s = deadline_s - at_s
            return Verdict.INCONCLUSIVE, f"cut short {left_s:.1f} s before its deadline; last, {shown(self.last)}"
        if self._new:
            return Verdict.INCONCLUSIVE, f"was true at the end, but not seen for long enough; last, {shown(self.last)}"
        return Verdict.INCONCLUSIVE, f"no reading at its deadline; last, {shown(self.last)}"

    def _too_late(self, deadline_s: float, at_s: float) -> bool:
        """Whether it was seen to be otherwise at the deadline; what says nothing of the target does not count."""
        otherwise = self._seen_otherwise
        if otherwise is None or at_s < deadline_s:
            return False
        latest_s = otherwise.answered_s + self._gap_s(self._tick_s)
        return (otherwise.sent_s if self._new else latest_s) >= deadline_s

    def _judge_time(self, interval: Interval, deadline_s: float | None, at_s: float) -> tuple[Verdict, str]:
        if deadline_s is not None and interval.to_s > deadline_s:
            late_s = interval.to_s - deadline_s
            if interval.from_s >= deadline_s:
                told = f"came true {late_s:.3f} s after its limit of {self.expectation.within_s:g} s from {self.since}"
                if self.expectation.assumed:
                    return Verdict.INCONCLUSIVE, f"{told}, but {self.expectation.assumed}"
                return Verdict.BROKE, told
            unclear = f"came true around its limit: the readings can't tell which side ({late_s:.3f} s)"
            return Verdict.INCONCLUSIVE, unclear
        if self._left is not None:
            return Verdict.BROKE, f"came true and was lost again: {shown(self._left[1])}"
        if self.lost_again:
            if len(self._wrong) < IN_A_ROW:
                unseen = next((one for one in (*self._bad, self.last) if one and one.kind in UNSEEN), None)
                short = f"was not seen for long enough to tell; last, {shown(self.last)}"
                return Verdict.INCONCLUSIVE, f"came true, and then {self._unobservable(unseen) if unseen else short}"
            return Verdict.BROKE, f"came true and was lost again: {shown(self._wrong[0])}"
        if doubt := doubts.of_entering(self) or doubts.of_staying(self, self._unread_at(at_s)):
            return Verdict.INCONCLUSIVE, doubt
        if self.anchor_s is None:
            return Verdict.HELD, "came true"
        return Verdict.HELD, f"came true {max(0.0, interval.middle_s - self.anchor_s):.3f} s after {self.since}"

    def _unread_at(self, at_s: float) -> str:
        """That nobody looked at the end, for longer than a read in flight takes; "" where somebody did."""
        unread_s = at_s - self.last.answered_s if self.last is not None else 0.0
        over = unread_s > self._gap_s(self._tick_s) + READ_GRACE_S
        return f"no reading in the last {unread_s:.1f} s" if over else ""

    def _finish_constant(self, at_s: float) -> tuple[Verdict, str]:
        if self._violated():
            return Verdict.BROKE, f"violated: {shown(self._bad[0])}"
        if self.count == 0:
            return Verdict.INCONCLUSIVE, f"no reading of {self.expectation.condition.probes[0].name} at all"
        # What is compared with the baseline keeps the trace of a change: a restart shows after a gap, or an absence.
        traced = self.expectation.condition.op in AGAINST_BASELINE and not self._bad
        excused = traced and self.last is not None and self.last.kind == "value"
        if self.unseen is not None and not (excused and self.unseen.kind == "absent"):
            return Verdict.INCONCLUSIVE, self._unobservable(self.unseen)
        if self._nothing_to_compare:
            return Verdict.INCONCLUSIVE, "the baseline gave nothing to compare with"
        if self.expectation.when == "never" and self.malformed is not None:
            return Verdict.INCONCLUSIVE, f"an answer could not be read: {shown(self.malformed)}"
        if unread := self._unread_at(at_s):
            return Verdict.INCONCLUSIVE, unread
        if self.gap is not None and not (traced and not self.violations):
            return Verdict.INCONCLUSIVE, f"no reading for {self.gap.length_s:.2f} s"
        if doubt := doubts.of_window(self, at_s):
            return Verdict.INCONCLUSIVE, doubt
        return Verdict.HELD, doubts.flicker(self) or doubts.seen(self)
