"""How the state stands after a run that PAUSE_ON_FAIL would bring about: paused, running, or seen by nobody. Pure."""

from typing import Literal

from blackstart.controls.steps.shell import to_shell
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Event
from blackstart.model.reading import Reading
from blackstart.model.step import HttpCall
from blackstart.model.system import SafeState
from blackstart.reports.story import RunView

State = Literal["", "paused", "running", "unseen"]
_FRESH_S = 5.0  # a last reading that is older says nothing of how it stands now


class PauseState:
    """How the state stands that PAUSE_ON_FAIL would bring about; `broken` is whether a change is not proved undone.

    `word` is how it stands; "" where the system has no such state, or none was looked at. `of` is what is paused, as in
    "trading". `abort` is what came of PAUSE_ON_FAIL: "not asked for", "failed", or how it stands since; "" where `word`
    is. `by_hand` are its steps that failed, as lines of shell.
    """

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
