"""PAUSE_ON_FAIL: after everything is restored, bring the system into its safe state and see that it stays there."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blackstart.base import clock
from blackstart.base.console import Console
from blackstart.base.errors import BadFlag, BadTarget, EndedEarly, Refused, StepFailed
from blackstart.controls.steps.local import carry_out
from blackstart.controls.steps.shell import describe
from blackstart.engine.observer import Observer
from blackstart.evidence.events import EventName
from blackstart.model.flags import Flags
from blackstart.model.step import Command, HttpCall, Step
from blackstart.model.system import SafeState
from blackstart.model.target import Target
from blackstart.model.verdict import Verdict

_SETTLED_WITHIN_S = 90.0
_PAUSED_WITHIN_S = 5.0
# A reading older than this says nothing about now: whatever reads it may have stopped.
_FRESH_S = 5.0


def steps(target: Target, flags: Flags) -> tuple[Step, ...]:
    """What the abort does: the given command, the target's own, `make abort` where there is one, else its routes."""
    command = flags.abort_command or target.abort
    if command:
        return (Command(tuple(shlex.split(command)), timeout_s=60.0),)
    if not target.lab and _make_has_abort(Path("Makefile")):
        return (Command(("make", "abort"), timeout_s=60.0),)
    return tuple(HttpCall("POST", target.url(path), body, dict(target.headers)) for path, body in _of(target).calls)


def _of(target: Target) -> SafeState:
    return target.system.safe_state or SafeState()


def planned(target: Target, flags: Flags) -> tuple[Step, ...]:
    """What a failure would be followed by: it touches the target, too. Nothing without PAUSE_ON_FAIL, or without an
    API that could be told."""
    try:
        return steps(target, flags) if flags.pause_on_fail else ()
    except (BadTarget, ValueError):
        return ()


def text(target: Target, flags: Flags) -> str:
    """The same in words, before anything is touched; empty where nothing would follow."""
    would = ", ".join(map(describe, planned(target, flags)))
    return f"after a failure: {would}" if would else ""


def refuse_missing(target: Target, flags: Flags) -> None:
    """That the abort can be run is seen before anything is broken. Raises BadFlag or BadTarget for a program that is
    not there (the given one always, the target's own and make where the abort is asked for), and where nothing is known
    that could be done."""
    if flags.abort_command:
        name = flags.called("abort_command")
        _refuse(BadFlag, f"{name}={flags.abort_command!r}", shlex.split(flags.abort_command))
    elif flags.pause_on_fail and target.abort:
        _refuse(BadTarget, f'target "{target.name}": "abort" = {target.abort!r}', _words(target.abort))
    elif flags.pause_on_fail and not target.lab and _make_has_abort(Path("Makefile")):
        _refuse(BadTarget, "PAUSE_ON_FAIL would run make abort, which the Makefile here has", ["make"])
    elif flags.pause_on_fail and not _of(target).calls:
        kind = target.system.kind or "system of this kind"
        told = f"{flags.called('pause_on_fail')}: nothing is known that would pause a {kind}: name an ABORT_COMMAND"
        raise BadFlag(f'{told}, or write abort = "..." into the file of the target "{target.name}"')


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
    """Wait until the system has settled (a trader that takes its lock again un-pauses), abort, and verify for as long
    as it might take to resume by itself.

    Returns whether it stayed paused; everything is in the journal. `between` is called while it waits, and ends
    all of the waiting by raising EndedEarly: the steps are carried out all the same.
    """
    patience = _Patience(observer, between)
    safe = _of(target)
    _settle(safe, observer, console, patience)
    done = _carry_out(target, flags, observer, console)
    failed, verified = "", False
    try:
        verified = _stays_paused(target, observer, patience)
    except Exception as error:  # whatever it was: that nobody has looked must be said
        failed = f"the look at it failed ({_told(error)})"
    observer.note(EventName.ABORT_VERIFIED, ok=verified, hurried=patience.lost, sync=True, **_if(failed))
    if patience.lost or failed:
        why = "asked to end again" if patience.lost else failed
        console.say(f"abort: {why}, so NOBODY HAS SEEN that {safe.of} stays paused. See for yourself")
        return False
    well, ill = f"{safe.of} is paused and stayed paused", f"{safe.of.upper()} IS NOT PAUSED. Pause it by hand"
    console.say(f"abort: {well if verified else ill}")
    return done and verified


def _settle(safe: SafeState, observer: Observer, console: Console, patience: _Patience) -> None:
    """Wait for it to come to rest, where that is watched; whatever comes of it, the steps are next."""
    probe, wanted = safe.settled
    console.say(f"PAUSE_ON_FAIL: waiting for {probe} to settle before the abort")
    settled, failed = False, ""
    try:
        watched = probe in observer.latest  # else there is nothing to wait for
        settled = watched and patience.wait(lambda: _reads(observer, probe, wanted), clock.now_s() + _SETTLED_WITHIN_S)
    except Exception as error:
        failed = _told(error)
        console.say(f"abort: {probe} can't be waited for ({failed}); aborting now")
    observer.note(EventName.ABORT, settled=settled, hurried=patience.lost, sync=True, **_if(failed))
    if patience.lost:
        console.say(f"asked to end again: aborting now, without waiting for {probe} to settle")


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
    (probe, wanted), lasts_s = _of(target).reached, _of(target).lasts_s(target.facts)
    done_s = clock.now_s()
    if not patience.wait(lambda: _reads(observer, probe, wanted, done_s), done_s + _PAUSED_WITHIN_S):
        return False
    return not patience.wait(lambda: not _reads(observer, probe, wanted), clock.now_s() + lasts_s)


def _reads(observer: Observer, probe: str, wanted: object, since_s: float = 0.0) -> bool:
    reading = observer.latest.get(probe)
    if reading is None or reading.sent_s < max(since_s, clock.now_s() - _FRESH_S):
        return False
    return reading.kind == "value" and reading.value == wanted
