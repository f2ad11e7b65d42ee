"""PAUSE_ON_FAIL: after everything is restored, bring the system into its safe state and see that it stays there."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blackstart import clock
from blackstart.errors import BadFlag, BadTarget, EndedEarly, Refused, StepFailed
from blackstart.evidence.events import EventName
from blackstart.machines import carry_out, describe
from blackstart.model import Command, HttpCall, Step
from blackstart.verdicts import Verdict

if TYPE_CHECKING:
    from blackstart.console import Console
    from blackstart.flags import Flags
    from blackstart.observer import Observer
    from blackstart.target import Target

_SETTLED_WITHIN_S = 90.0
_PAUSED_WITHIN_S = 5.0
# A reading older than this says nothing about now: whatever reads it may have stopped.
_FRESH_S = 5.0


def steps(target: Target, flags: Flags) -> tuple[Step, ...]:
    """What the abort does: the given command, the target's own, `make abort` where there is one, else the routes."""
    command = flags.abort_command or target.abort
    if command:
        return (Command(tuple(shlex.split(command)), timeout_s=60.0),)
    if not target.lab and _make_has_abort(Path("Makefile")):
        return (Command(("make", "abort"), timeout_s=60.0),)
    calls = (
        ("/pause", None),
        ("/flatten?reason=chaos_drill_failed", None),
        ("/mode", {"mode": "PAPER", "confirmation": "CONFIRM"}),
    )
    return tuple(HttpCall("POST", target.url(path), body, dict(target.headers)) for path, body in calls)


def planned(target: Target, flags: Flags) -> tuple[Step, ...]:
    """What a failure would be followed by: it touches the target, too. Nothing without PAUSE_ON_FAIL, or without an
    API that could be told."""
    try:
        return steps(target, flags) if flags.pause_on_fail else ()
    except (BadTarget, ValueError):
        return ()


def told(target: Target, flags: Flags) -> str:
    """The same in words, before anything is touched; empty where nothing would follow."""
    would = ", ".join(map(describe, planned(target, flags)))
    return f"after a failure: {would}" if would else ""


def refuse_missing(target: Target, flags: Flags) -> None:
    """That the abort can be run is seen before anything is broken. Raises BadFlag or BadTarget for a program that is
    not there: the given one always, the target's own and make where the abort is asked for."""
    if flags.abort_command:
        name = flags.called("abort_command")
        _refuse(BadFlag, f"{name}={flags.abort_command!r}", shlex.split(flags.abort_command))
    elif flags.pause_on_fail and target.abort:
        _refuse(BadTarget, f'target "{target.name}": "abort" = {target.abort!r}', _words(target.abort))
    elif flags.pause_on_fail and not target.lab and _make_has_abort(Path("Makefile")):
        _refuse(BadTarget, "PAUSE_ON_FAIL would run make abort, which the Makefile here has", ["make"])


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return [command]  # a quotation that does not end: no such program either


def _refuse(kind: type[Refused], who: str, words: list[str]) -> None:
    if not words:
        raise kind(f"{who}: it names no program")
    if shutil.which(words[0]) is None:
        raise kind(f"{who}: there is no program {words[0]!r} that can be run")


def _make_has_abort(makefile: Path) -> bool:
    try:
        return any(line.startswith("abort:") for line in makefile.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError):
        return False


def wanted(verdict: Verdict, did_something: object) -> bool:
    """Whether the run has failed. Trading isn't ended for what can't be told of a run that did nothing to it."""
    return verdict in (Verdict.BROKE, Verdict.NOT_RESTORED) or (verdict == Verdict.INCONCLUSIVE and bool(did_something))


def abort(
    target: Target, flags: Flags, observer: Observer, console: Console, between: Callable[[], None] = lambda: None
) -> bool:
    """Wait until leadership has settled (re-acquiring un-pauses), abort, and verify over one full backoff.

    Returns whether trading stayed paused; everything is in the journal. `between` is called while it waits, and ends
    all of the waiting by raising EndedEarly: the steps are carried out all the same.
    """
    patience = _Patience(observer, between)
    _settle(observer, console, patience)
    done = _carry_out(target, flags, observer, console)
    failed, verified = "", False
    try:
        verified = _stays_paused(target, observer, patience)
    except Exception as error:  # whatever it was: that nobody has looked must be said
        failed = f"the look at it failed ({_told(error)})"
    observer.note(EventName.ABORT_VERIFIED, ok=verified, hurried=patience.lost, sync=True, **_if(failed))
    if patience.lost or failed:
        why = "asked to end again" if patience.lost else failed
        console.say(f"abort: {why}, so NOBODY HAS SEEN that trading stays paused. See for yourself")
        return False
    console.say(
        "abort: trading is paused and stayed paused" if verified else "abort: TRADING IS NOT PAUSED. Pause it by hand"
    )
    return done and verified


def _settle(observer: Observer, console: Console, patience: _Patience) -> None:
    """Wait for a leader, where one is looked for; whatever comes of it, the steps are next."""
    console.say("PAUSE_ON_FAIL: waiting for leadership to settle before the abort")
    settled, failed = False, ""
    try:
        watched = "leader" in observer.latest  # else there is nothing to wait for
        settled = watched and patience.wait(lambda: _reads(observer, "leader", 1), clock.now_s() + _SETTLED_WITHIN_S)
    except Exception as error:
        failed = _told(error)
        console.say(f"abort: leadership can't be waited for ({failed}); aborting now")
    observer.note(EventName.ABORT, settled=settled, hurried=patience.lost, sync=True, **_if(failed))
    if patience.lost:
        console.say("asked to end again: aborting now, without waiting for leadership to settle")


def _carry_out(target: Target, flags: Flags, observer: Observer, console: Console) -> bool:
    """Whether all of the steps succeeded; each is tried, whatever became of the one before."""
    done = True
    try:
        wanted = steps(target, flags)
    except Exception as error:
        observer.note(EventName.ABORT_STEP, step="", **_if(_told(error)))
        console.say(f"abort FAILED: it can't be told what to do: {_told(error)}")
        return False
    for step in wanted:
        try:
            outcome = carry_out(step)
            observer.note(EventName.ABORT_STEP, step=describe(step), code=outcome.code)
            console.say(f"abort: {describe(step)} → {outcome.code}")
        except Exception as error:  # foreseen or not: the next one may be the one that pauses
            observer.note(EventName.ABORT_STEP, step=describe(step), **_if(_told(error)))
            console.say(f"abort FAILED: {_told(error)}")
            done = False
    return done


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, StepFailed | Refused) else f"{type(error).__name__}: {error}"


def _if(failed: str) -> dict[str, Any]:
    return {"failed": failed} if failed else {}


class _Patience:
    """Waits until somebody has had enough: then this wait and all later ones are over at once."""

    def __init__(self, observer: Observer, between: Callable[[], None]) -> None:
        self.lost = False
        self._observer, self._between = observer, between

    def wait(self, done: Callable[[], bool], until_s: float) -> bool:
        """As the observer's; False where it was given up."""
        try:
            return not self.lost and self._observer.wait(done, until_s, self._between)
        except EndedEarly:
            self.lost = True
            return False


def _stays_paused(target: Target, observer: Observer, patience: _Patience) -> bool:
    backoff_s = max(map(float, target.fact("backoff_s", [30.0]))) + float(target.fact("backoff_jitter_s", 0.5))
    done_s = clock.now_s()
    if not patience.wait(lambda: _reads(observer, "paused", True, done_s), done_s + _PAUSED_WITHIN_S):
        return False
    return not patience.wait(lambda: not _reads(observer, "paused", True), clock.now_s() + backoff_s)


def _reads(observer: Observer, probe: str, wanted: object, since_s: float = 0.0) -> bool:
    reading = observer.latest.get(probe)
    if reading is None or reading.sent_s < max(since_s, clock.now_s() - _FRESH_S):
        return False
    return reading.kind == "value" and reading.value == wanted
