"""How things stand after a run: the lines that end its output and begin its reports. Made of the record alone. Pure."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from blackstart.controls.steps.shell import as_typed, to_shell
from blackstart.evidence.events import BEGUN, EventName
from blackstart.evidence.journal import Event
from blackstart.model.change import Change
from blackstart.model.finding import Finding
from blackstart.model.reading import Reading
from blackstart.model.step import HttpCall
from blackstart.model.system import SafeState
from blackstart.model.verdict import Verdict
from blackstart.probes.control_state import ControlState
from blackstart.reports import cause as causes
from blackstart.reports.cause import Cause
from blackstart.reports.story import RunView
from blackstart.reports.words import MENDED
from blackstart.verdict import bystanders
from blackstart.verdict.judge import Judgement

State = Literal["", "paused", "running", "unseen"]
_FRESH_S = 5.0  # a last reading that is older says nothing of how it stands now
PROSE = ("cause", "result", "besides", "left out", "state", "undone")
"""The labels of what may be broken into lines: what is to be typed or opened never is."""
_DOWN = ("stopped", "failed")
_NAMED = 3  # of what broke besides


@dataclass(frozen=True)
class Standing:
    """The verdict with its one cause, what is still broken, how the system stands, where to look, what to type next.

    `cause` is one line, "" where everything held; `follows` is how many expectations follow from it (of a run that
    could not be told: were not seen for it), `besides` the names of what else did not hold. `still_broken` has a line
    for each change that is not proved undone, with what undoes it; `undone` says in one line what was broken, where all
    of it is. `trading` is how the state stands that PAUSE_ON_FAIL
    would bring about, in words, and `state` in one; both are "" where the system has none, or none was looked at.
    `abort` is what came of PAUSE_ON_FAIL: "not asked for", "paused", "running", "unseen" or "failed"; "" where there is
    no such state. `resume` and `next` are lines of shell; `resume` is "" where nobody knows how, or there is no need.
    `ended` says what else must run again before it is resumed, in words, `by_hand` are the steps of PAUSE_ON_FAIL that
    failed, as lines of shell. `lifted` says what must have ended before the drill is run again, which is refused else.
    `left_out` are the criteria that the operator left out by choice. `down` says what ended beside the drill.
    """

    what: str
    verdict: Verdict
    cause: str
    follows: int
    besides: tuple[str, ...]
    still_broken: tuple[str, ...]
    trading: str
    state: State
    abort: str
    resume: str
    evidence: str
    next: str
    left_out: tuple[str, ...] = ()
    undone: str = ""
    ended: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    lifted: str = ""
    down: tuple[str, ...] = ()

    @property
    def first(self) -> tuple[str, ...]:
        """What is to be done before the system is resumed: a line of shell, or in words what must run again."""
        mends = self.still_broken and (self.resume or self.by_hand)
        return (*([self.next] if mends else []), *self.ended, *self.by_hand)

    @property
    def title(self) -> str:
        """`leader-lock on trader: broke`."""
        return f"{self.what}: {self.verdict.shown}"

    @property
    def headline(self) -> str:
        """The cause with what follows from it, in one line; what the verdict says, where there is none."""
        if not self.cause:
            return self.verdict.says
        told = "follow{s} from it" if self.verdict == Verdict.BROKE else "{were} not seen"
        one = self.follows == 1
        told = told.format(s="s" if one else "", were="was" if one else "were")
        return f"{self.cause}; {_count(self.follows, 'expectation')} {told}" if self.follows else self.cause

    @property
    def broke_besides(self) -> str:
        """What else did not hold, in one line; "" where nothing did."""
        if not self.besides:
            return ""
        more = len(self.besides) - _NAMED
        return f"{', '.join(self.besides[:_NAMED])}{f' and {more} more' if more > 0 else ''}"

    def explains(self, finding: Finding) -> bool:
        """Whether this broke for the cause alone, by what the record shows."""
        mine = finding.status == Verdict.BROKE and finding.phase != "baseline" and finding.name not in self.besides
        follows = mine and finding.name != bystanders.NAME  # that a service died is the cause itself
        return bool(self.follows) and self.verdict == Verdict.BROKE and follows

    def untold(self, judgement: Judgement) -> list[str]:
        """The reasons that are neither the cause nor told by what an expectation came to."""
        known = {self.cause, *(f"{f.name}: {f.message}" for f in judgement.findings)}
        return [reason for reason in judgement.reasons if reason.removeprefix("Not started: ") not in known]

    def rows(self) -> Iterator[tuple[str, str]]:
        """(what it is about, what is said of it) in order, without what there is nothing to say of."""
        yield "cause" if self.cause else "result", self.headline
        if self.besides:
            yield "besides", self.broke_besides
        for line in self.still_broken:
            yield "STILL BROKEN", line
        for line in self.down:
            yield "DOWN", line
        if self.undone:
            yield "undone", self.undone
        if self.left_out:
            yield "left out", f"{', '.join(self.left_out)}, by choice"
        if self.trading:
            yield "state", self.trading
        steps = list(self._steps())
        last = [steps.pop()] if self.next else []
        yield from (*steps, ("evidence", self.evidence), *last)

    def _steps(self) -> Iterator[tuple[str, str]]:
        """What is to be typed or done, numbered where that is several; last what `next` says, which is no step of it:
        who works the list down is not to break the system once more."""
        steps = [("mend" if line == self.next else "by hand" if line in self.by_hand else "first", line)
                 for line in self.first]  # fmt: skip
        steps += [("resume", self.resume)] if self.resume else []
        steps += [("first", self.lifted)] if self.lifted else []
        for number, (word, line) in enumerate(steps, 1):
            yield f"{number}. {word}" if len(steps) > 1 else word, line
        if self.next:
            yield "heal" if self.still_broken else "run again", self.next


@lru_cache(maxsize=1)  # each report of a run begins with it
def of(view: RunView) -> Standing:
    """How things stand by the record of a run, and its guardian's."""
    verdict = view.judgement.verdict
    broken = tuple(_still_broken(view))
    found, state = _cause(view), _State(view, bool(broken))
    return Standing(
        what=f"{view.name} on {view.target['name']}",
        verdict=verdict,
        cause=found.text,
        follows=found.follows,
        besides=found.besides,
        still_broken=broken,
        trading=state.words,
        state=state.word,
        abort=state.abort,
        resume=state.resume,
        evidence=str(view.where),
        next=view.heals if broken else view.again,
        left_out=view.judgement.left_out,
        undone="" if broken else _undone(view),
        ended=tuple(_ended(view, state)),
        by_hand=state.by_hand,
        lifted="" if broken else _lifted(view),
        down=tuple(_down(view)),
    )


def _cause(view: RunView) -> Cause:
    verdict, reasons = view.judgement.verdict, view.judgement.reasons
    if verdict == Verdict.BROKE:
        return causes.of_broken(view)
    if verdict == Verdict.NOT_RESTORED:
        broke = causes.of_broken(view)
        first = broke.text if broke.follows else broke.text.partition(": ")[0]
        first += f" ({_count(broke.follows, 'expectation')} of it)" if broke.follows else ""
        besides = (first, *broke.besides) if first else ()
        symptom = next(iter(reasons), verdict.says)
        return Cause(MENDED if view.mended_later else _logged(view) or symptom, 0, besides)
    if verdict == Verdict.INCONCLUSIVE:
        return _mended_late(view) if view.mended_later else causes.of_untold(view)
    return Cause(next(iter(reasons), "").removeprefix("Not started: "))


def _logged(view: RunView) -> str:
    """Of what is not restored, the first whose service says in its own log why, in its words; "" where none does."""
    for what, change in _unmended(view):
        if change and (line := causes.of_log(view, change.service)):
            return f"{what}: no proof that it was undone; the log of {change.service} says: {line}"
    return ""


def _mended_late(view: RunView) -> Cause:
    """Of a run whose guardian has mended what it could not: that kept it from a verdict."""
    late = dict.fromkeys(str(event["what"]) for event in view.record.of(EventName.GONE) if not event["ok"])
    proved = [event["at"] for event in view.guardian.of(EventName.GONE) if event["ok"]] if view.guardian else []
    if not late or not proved:
        return causes.of_untold(view)
    unseen = sum(f.status == Verdict.INCONCLUSIVE and f.criterion for f in view.judgement.findings)
    when = f"{view.utc_text(max(proved))[:8]}Z"
    return Cause(f"{', '.join(late)}: the run could not undo it; its guardian did, proved at {when}", unseen)


def _still_broken(view: RunView) -> Iterator[str]:
    """A line for each change that nobody has proved undone: neither the run nor its guardian."""
    for what, change in _unmended(view):
        by = as_typed(change.undo) if change else ""
        start = "".join(_start(view, change, by)) if change else ""
        told = f"{what}{f', undone by: {by}' if by else ''}{start}"
        yield f"{told}; or: sh {shlex.quote(str(view.where / 'HEAL.sh'))}"


def _unmended(view: RunView) -> Iterator[tuple[str, Change | None]]:
    """What was done and nobody has proved undone, with its change where the record has it."""
    proved = view.guardian.of(EventName.GONE) if view.guardian else []
    mended = {event.get("change") for event in proved if event.get("ok")}
    latest = {event["change"]: event for event in view.record.of(*BEGUN, EventName.GONE)}
    for entry, event in latest.items():
        if event.get("ok") or entry in mended:
            continue
        number = str(entry).rpartition("#")[2]
        known = number.isdecimal() and int(number) < len(view.changes)
        yield str(event["what"]), view.changes[int(number)] if known else None


def _start(view: RunView, change: Change, undone_by: str) -> Iterator[str]:
    """What starts a service of the change that its control saw down last, where that is not what undoes the change."""
    for probe in (condition.probe for condition in change.gone):
        if not isinstance(probe, ControlState) or probe.control is None or probe.field != "status":
            continue
        seen, start = view.readings((probe.name,)), as_typed(probe.control.start())
        if seen and seen[-1].value in _DOWN and start not in undone_by:
            yield f"; {probe.service} is {seen[-1].value}, started by: {start}"


def _undone(view: RunView) -> str:
    """What was broken, once each: none of it is any more."""
    done = dict.fromkeys(str(event["what"]) for event in view.record.of(EventName.DO))
    return f"{', '.join(done)}: undone, and proved" if done else ""


def is_typed(label: str) -> bool:
    """Whether what stands behind that label is to be typed as it is."""
    return label.rpartition(" ")[2] in ("mend", "hand", "resume", "again", "heal")


def _lifted(view: RunView) -> str:
    """What ended the run, and lets none begin as long as it is set."""
    frozen = (view.record.last(EventName.ABORTED) or {}).get("frozen")
    told = f"wait until the freeze is lifted, or ask who set it ({frozen}): until then a drill is refused"
    return told if frozen else ""


def _ended(view: RunView, state: "_State") -> Iterator[str]:
    """What must run again before anybody resumes: services that died beside the drill, and an API that is silent."""
    for _ in _down(view):
        starts = bystanders.starts(view.record)
        resumes = ", and be ready for the next step: the system may resume at once" if state.by_hand else ""
        yield f"find out why that is down, then start it{resumes}{f'; with: {starts}' if starts else ''}"
    if state.word == "unseen" and (api := view.target.get("api")):
        yield f"see that the API answers: {api}"


def _down(view: RunView) -> Iterator[str]:
    """What ended beside the drill, and not by it."""
    for finding in view.judgement.findings:
        if finding.name == bystanders.NAME and finding.status == Verdict.BROKE:
            yield finding.message


class _State:
    """How the state stands that PAUSE_ON_FAIL would bring about."""

    def __init__(self, view: RunView, broken: bool) -> None:
        self._view, self._broken = view, broken
        safe = view.system.safe_state
        self._abort = view.record.last(EventName.ABORT_VERIFIED)
        steps = [event for event in view.record.of(EventName.ABORT_STEP) if not event.get("at_once")]
        self._failed = [str(event["step"] or "what to do") for event in steps if event.get("failed")]
        self.by_hand = tuple(str(event["by_hand"]) for event in steps if event.get("by_hand"))
        self._skipped = [str(event["step"]) for event in steps if event.get("skipped")]
        self._begun = view.record.first(EventName.ABORT) or view.record.first(EventName.ABORT_FAILED)
        self._last = self._read(safe) if safe else None
        self._safe = safe if safe and (self._last or self._begun) else None
        told = str((self._abort or {}).get("of") or (self._safe.of if self._safe else ""))
        self.of = told or "the system"
        self.word: State = self._word() if self._safe or self._abort else ""
        self.abort = self._outcome() if self.word else ""

    def _read(self, safe: SafeState) -> Reading | None:
        found = self._view.readings((safe.reached[0],))
        return found[-1] if found else None

    def _word(self) -> State:
        known: dict[str, State] = {"paused": "paused", "running": "running", "unseen": "unseen"}
        if self._abort and (told := self._abort.get("state")):
            return known.get(str(told), "unseen")
        if self._abort:  # a record of before its event said so
            lost = self._abort.get("hurried") or self._abort.get("failed")
            return "unseen" if lost else "paused" if self._abort.get("ok") else "running"
        last = self._last
        if last is None or last.kind != "value" or self._view.to_s - last.answered_s > _FRESH_S:
            return "unseen"
        return "paused" if self._safe and last.value == self._safe.reached[1] else "running"

    @property
    def _unsettled(self) -> str:
        """What it has not come to yet, where PAUSE_ON_FAIL has not paused it: "leader was 0, not 1"."""
        if self._abort or self._begun or not self._safe:
            return ""
        probe, rest = self._safe.settled
        seen = self._view.readings((probe,))
        return f"{seen[-1]}, not {rest}" if seen and not _is(seen[-1], rest) else ""

    def _at(self) -> str:
        return f"at {self._view.utc_text(self._last.answered_s)[:8]}Z " if self._last else ""

    def _outcome(self) -> str:
        if self._failed or (self._begun and not self._abort):
            return "failed"
        return self.word if self._abort else "not asked for"

    @property
    def words(self) -> str:
        """In words; "" where there is no such state."""
        if not self.word:
            return ""
        skipped = f". Skipped, the API has no such route: {', '.join(self._skipped)}" if self._skipped else ""
        by_hand = " (by hand: see below)" if len(self.by_hand) == len(self._failed) else ""
        failed = f"PAUSE_ON_FAIL FAILED: not done is {', '.join(self._failed)}{by_hand}. " if self._failed else ""
        then = "as the run ended, before that undo: " if self._view.mended_later else ""
        now = ". See for yourself how it stands now" if then else ""
        return f"{failed}{then}{self._reached()}{skipped}{now}"

    def _reached(self) -> str:
        of = self.of
        asked: Event = self._abort or {}
        once = f"; it may resume by itself once {asked['resumes_once']}" if asked.get("resumes_once") else ""
        if self.word == "paused" and self._unsettled:
            needs = ", which needs the undo first" if self._broken else ""
            told = f"{of} had paused itself, {self._unsettled}; it resumes by itself once that is so{needs}"
            return f"{self._at()}{told}"
        if self.word == "paused":
            return f"{of} is paused{', by PAUSE_ON_FAIL, and stayed paused' if asked.get('ok') else ''}{once}"
        if self.word == "running":
            return (
                f"{of} is NOT PAUSED, although PAUSE_ON_FAIL asked for it"
                if self._begun
                else f"{self._at()}{of} was running"
            )
        return f"NOBODY HAS SEEN whether {of} is paused{self._seen()}{once}. See for yourself"

    def _seen(self) -> str:
        told = (self._abort or {}).get("seen")
        if told:
            return f" ({told})"
        last = self._last
        return f" (at {self._view.utc_text(last.answered_s)[:8]}Z, {last})" if last else ""

    @property
    def resume(self) -> str:
        """What resumes it, where it is paused."""
        if self._failed:
            return ""  # what was not done comes first
        told = str((self._abort or {}).get("resume") or "")
        if told or self.word != "paused":
            return told if self.word != "running" else ""
        if self._unsettled:
            return ""  # it has paused itself: resumed by hand it would trade without what it waits for
        if told := str(self._view.head.get("resume") or ""):
            return told
        call, api = self._safe.resume if self._safe else None, str(self._view.target.get("api") or "")
        return to_shell(HttpCall("POST", f"{api.rstrip('/')}{call.path}", call.body)) if call and api else ""


def _is(reading: Reading, value: object) -> bool:
    return reading.kind == "value" and reading.value == value


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
