"""Brings the system into its safe state after a failure, once everything is restored, and sees that it stays there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from blackstart.base import clock
from blackstart.base.console import Console
from blackstart.base.errors import BadTarget, EndedEarly, Refused, StepFailed
from blackstart.base.live import Row
from blackstart.controls.steps.local import carry_out
from blackstart.controls.steps.shell import describe, to_shell
from blackstart.engine import safe_state
from blackstart.engine.observer import Observer
from blackstart.evidence.events import EventName
from blackstart.model.finding import shown
from blackstart.model.flags import Flags
from blackstart.model.reading import Reading
from blackstart.model.step import HttpCall, Step
from blackstart.model.target import Target
from blackstart.model.verdict import Verdict

_SETTLED_WITHIN_S = 90.0
_PAUSED_WITHIN_S = 5.0
_AGAIN_EVERY_S = 1.0
# A reading older than this says nothing about now: whatever reads it may have stopped.
_FRESH_S = 5.0
_LEFT_S = "{left_s}"  # where a text says how many seconds are left
PAUSED, RUNNING, UNSEEN = "paused", "running", "unseen"


def to_safe_state(
    target: Target,
    flags: Flags,
    observer: Observer,
    console: Console,
    verdict: Verdict,
    between: Callable[[], None] = lambda: None,
) -> bool:
    """Pause at once, all steps once the system has come to rest, and a look for as long as it might resume by itself.

    A system at rest is not paused twice, and one that is not restored is not waited for: what it would take is missing.
    Returns whether all was done and it stayed paused; everything is in the journal. `between` is called while it waits,
    and ends all of the waiting by raising EndedEarly: the steps are carried out all the same.
    """
    made = _Abort(target, flags, observer, console, between)
    waits = verdict != Verdict.NOT_RESTORED and made.unsettled()
    made.begin(verdict, waits)
    with console.live(made.rows):
        if waits:
            made.pause_at_once()
            made.settle(verdict)
        done = made.carry_out(lambda: safe_state.steps(target, flags), at_once=False)  # which pauses again
        return made.verify() and done


class _Abort:
    """One abort: what it has to do with, and whether somebody has had enough of its waits (`lost`)."""

    def __init__(
        self, target: Target, flags: Flags, observer: Observer, console: Console, between: Callable[[], None]
    ) -> None:
        self.lost = False
        self._target, self._observer, self._console, self._between = target, observer, console, between
        self._safe, self._words = safe_state.of(target), safe_state.words(target, flags)
        self._doing, self._until_s = "", 0.0
        self._pause_again_s: float | None = None

    def rows(self) -> Iterator[Row]:
        """What a terminal shows of it."""
        yield Row(self._now(), style="bold")
        yield Row("does", self._words)

    def _now(self) -> str:
        """What is done now, or waited for; with the seconds that are left."""
        return self._doing.replace(_LEFT_S, f"{max(0.0, self._until_s - clock.now_s()):.0f} s")

    def unsettled(self) -> bool:
        """Whether it has still to come to rest. Where nobody watches that, there is nothing to wait for."""
        return self._safe.settled[0] in self._observer.latest and not self._reads(*self._safe.settled)

    def begin(self, verdict: Verdict, waits: bool) -> None:
        self._note_abort(verdict, waits)
        probe, rest = self._safe.settled
        then = f"{self._safe.calls[0].words} at once; once {probe} is {rest}" if waits and self._safe.calls else "now"
        self._console.say(f"PAUSE_ON_FAIL ({verdict.shown}): {then}: {self._words}")

    def _note_abort(self, verdict: Verdict, waits: bool, failed: str = "") -> None:
        self._observer.note(
            EventName.ABORT, verdict=verdict, waits=waits, settled=not self.unsettled(), hurried=self.lost,
            will=self._words, **_if(failed),
        )  # fmt: skip

    def pause_at_once(self) -> None:
        """The pause alone. One that fails is tried again while the system is waited for, as soon as it can be read."""
        done = self.carry_out(lambda: safe_state.first(self._target), at_once=True)
        self._pause_again_s = None if done else clock.now_s() + _AGAIN_EVERY_S

    def _pause_late(self) -> None:
        due = self._pause_again_s is not None and clock.now_s() >= self._pause_again_s
        reading = self._observer.latest.get(self._safe.reached[0])
        if due and reading is not None and _fresh(reading) and reading.kind == "value":
            waiting = self._doing, self._until_s
            self.pause_at_once()
            self._doing, self._until_s = waiting

    def settle(self, verdict: Verdict) -> None:
        """Wait for it to come to rest; whatever comes of it, the steps are next."""
        probe, rest = self._safe.settled
        until_s = clock.now_s() + _SETTLED_WITHIN_S
        failed = ""
        try:
            told = f"PAUSE_ON_FAIL in {_LEFT_S}, or once {probe} is {rest} (Ctrl-C: at once; it can't be cancelled)"
            settled = self._wait(lambda: self._reads(probe, rest), until_s, told)
            if not settled and not self.lost:
                self._console.say(
                    f"PAUSE_ON_FAIL: {probe} was not {rest} within {_SETTLED_WITHIN_S:g} s; all of it now"
                )
        except Exception as error:
            failed = _told(error)
            self._console.say(f"PAUSE_ON_FAIL: {probe} can't be waited for ({failed}); all of it now")
        self._note_abort(verdict, False, failed)
        if self.lost:
            self._console.say(f"asked to end again: all of it now, without waiting for {probe} to be {rest}")

    def carry_out(self, steps: Callable[[], Sequence[Step]], at_once: bool) -> bool:
        """Whether all of the steps succeeded; each is tried, whatever became of the one before."""
        done = True
        note = self._observer.note
        try:
            wanted = steps()
        except Exception as error:
            note(EventName.ABORT_STEP, step="", at_once=at_once, **_if(_told(error)))
            self._console.say(f"PAUSE_ON_FAIL FAILED: it can't be told what to do: {_told(error)}")
            return False
        for step in wanted:
            began_s = round(clock.now_s(), 6)
            self._doing = f"PAUSE_ON_FAIL: {describe(step)}"
            try:
                outcome = carry_out(step)
                skipped = isinstance(step, HttpCall) and outcome.code == safe_state.NO_ROUTE
                told: dict[str, Any] = {"code": outcome.code, "skipped": skipped}
                note(EventName.ABORT_STEP, step=describe(step), at_once=at_once, began=began_s, **told)
                why = ": skipped, the API has no such route" if skipped else ""
                self._console.say(f"PAUSE_ON_FAIL: {describe(step)} → {outcome.code}{why}")
            except Exception as error:  # foreseen or not: the next one may be the one that pauses
                failed = _if(_told(error))
                told = {**failed, "by_hand": _by_hand(step)}
                note(EventName.ABORT_STEP, step=describe(step), at_once=at_once, began=began_s, **told)
                self._console.say(f"PAUSE_ON_FAIL FAILED: {_told(error)}")
                done = False
        return done

    def verify(self) -> bool:
        """Whether it is seen to be paused, and to stay so."""
        failed, state = "", UNSEEN
        try:
            state = self._stays_paused()
        except Exception as error:  # whatever it was: that nobody has looked must be said
            failed = f"the look at it failed ({_told(error)})"
        seen, probe = self._observer.latest.get(self._safe.reached[0]), self._safe.settled
        resumes = f"{probe[0]} is {probe[1]}" if self.unsettled() else ""
        resume = safe_state.resume(self._target)
        self._observer.note(
            EventName.ABORT_VERIFIED, ok=state == PAUSED, hurried=self.lost, state=state, of=self._safe.of,
            seen=shown(seen), resumes_once=resumes, resume=resume, sync=True, **_if(failed),
        )  # fmt: skip
        self._console.say(f"PAUSE_ON_FAIL: {self._verified(state, failed, seen)}")
        if resumes and state == PAUSED:
            self._console.say(f"PAUSE_ON_FAIL: {self._safe.of} may resume by itself once {resumes}: look again then")
        return state == PAUSED

    def _verified(self, state: str, failed: str, seen: Reading | None) -> str:
        what = self._safe.of
        if self.lost or failed:
            why = failed or "asked to end again"
            return f"{why}, so NOBODY HAS SEEN that {what} stays paused. See for yourself"
        if state == UNSEEN:
            return f"NOBODY CAN SEE that {what} is paused and stays so ({shown(seen)}). See for yourself"
        well = f"{what} is paused and stayed paused"
        return well if state == PAUSED else f"{what.upper()} IS NOT PAUSED ({shown(seen)}). Pause it by hand"

    def _stays_paused(self) -> str:
        (probe, paused), lasts_s = self._safe.reached, self._safe.lasts_s(self._target.facts)
        done_s = clock.now_s()
        told = f"PAUSE_ON_FAIL: {_LEFT_S} more to see that {self._safe.of} stays paused (Ctrl-C: without that look)"
        if not self._wait(lambda: self._reads(probe, paused, done_s), done_s + _PAUSED_WITHIN_S, told):
            return self._otherwise(done_s)
        left = self._wait(lambda: not self._reads(probe, paused), clock.now_s() + lasts_s, told)
        return self._otherwise(done_s) if left else UNSEEN if self.lost else PAUSED

    def _otherwise(self, done_s: float) -> str:
        """That it trades is only said of a value that was read since; what does not answer is seen neither way."""
        probe, paused = self._safe.reached
        reading = self._observer.latest.get(probe)
        seen = reading is not None and _fresh(reading, done_s) and reading.kind == "value" and reading.value != paused
        return RUNNING if seen and not self.lost else UNSEEN

    def _reads(self, probe: str, value: object, since_s: float = 0.0) -> bool:
        reading = self._observer.latest.get(probe)
        if reading is None or not _fresh(reading, since_s):
            return False
        return reading.kind == "value" and reading.value == value

    def _wait(self, done: Callable[[], bool], until_s: float, told: str) -> bool:
        """As the observer's, with a countdown; False where it was given up, as all later ones are then."""

        def between() -> None:
            self._between()
            self._pause_late()
            self._console.progress(self._now())

        self._doing, self._until_s = told, until_s
        try:
            return not self.lost and self._observer.wait(done, until_s, between)
        except EndedEarly:
            self.lost = True
            return False


def _fresh(reading: Reading, since_s: float = 0.0) -> bool:
    return reading.sent_s >= max(since_s, clock.now_s() - _FRESH_S)


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, StepFailed | Refused) else f"{type(error).__name__}: {error}"


def _by_hand(step: Step) -> str:
    """As a line of shell, which shows whatever is not done, also that there is no such route; empty where it would show
    a secret."""
    if isinstance(step, HttpCall):
        step = replace(step, ok_statuses=HttpCall.ok_statuses)
    try:
        return to_shell(step)
    except BadTarget:
        return ""


def _if(failed: str) -> dict[str, Any]:
    return {"failed": failed} if failed else {}
