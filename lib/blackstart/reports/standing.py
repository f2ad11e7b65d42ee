"""How things stand after a run: the lines that end its output and begin its reports. Made of the record alone. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from blackstart.evidence.events import EventName
from blackstart.model.finding import Finding
from blackstart.model.verdict import Verdict
from blackstart.reports import cause, restoration
from blackstart.reports.cause import expectations
from blackstart.reports.pause_state import PauseState, State
from blackstart.reports.story import RunView
from blackstart.verdict import bystanders
from blackstart.verdict.judge import Judgement

PROSE = ("cause", "result", "besides", "left out", "state", "undone")
"""The labels of what may be broken into lines: what is to be typed or opened never is."""
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
        return f"{self.cause}; {expectations(self.follows)} {told}" if self.follows else self.cause

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
    broken = tuple(restoration.still_broken(view))
    found, state = cause.of(view), PauseState(view, bool(broken))
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
        undone="" if broken else restoration.undone(view),
        ended=tuple(_ended(view, state)),
        by_hand=state.by_hand,
        lifted="" if broken else _lifted(view),
        down=tuple(_down(view)),
    )


def is_typed(label: str) -> bool:
    """Whether what stands behind that label is to be typed as it is."""
    return label.rpartition(" ")[2] in ("mend", "hand", "resume", "again", "heal")


def _lifted(view: RunView) -> str:
    """What ended the run, and lets none begin as long as it is set."""
    frozen = (view.record.last(EventName.ABORTED) or {}).get("frozen")
    told = f"wait until the freeze is lifted, or ask who set it ({frozen}): until then a drill is refused"
    return told if frozen else ""


def _ended(view: RunView, state: PauseState) -> Iterator[str]:
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
