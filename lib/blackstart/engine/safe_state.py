"""PAUSE_ON_FAIL: what brings the system into its safe state after a failure, in steps and in words; `abort` does it."""

import shlex
import shutil
from dataclasses import replace
from pathlib import Path

from blackstart.base.errors import BadFlag, BadTarget, Refused
from blackstart.controls.steps.shell import to_shell
from blackstart.model.flags import Flags
from blackstart.model.step import Command, HttpCall, Step
from blackstart.model.system import Call, SafeState
from blackstart.model.target import Target
from blackstart.model.verdict import Verdict

NO_ROUTE = 404


def of(target: Target) -> SafeState:
    """That of its kind, or the little that is so of any system."""
    return target.system.safe_state or SafeState()


def wanted(flags: Flags, verdict: Verdict, did_something: object) -> bool:
    """Whether the run has failed as PAUSE_ON_FAIL means it: broke or not restored, and inconclusive where that was
    asked for. Trading isn't ended for what can't be told of a run that did nothing to it."""
    if verdict == Verdict.INCONCLUSIVE:
        return flags.pause_on_fail == Verdict.INCONCLUSIVE and bool(did_something)
    return bool(flags.pause_on_fail) and verdict in (Verdict.BROKE, Verdict.NOT_RESTORED)


def steps(target: Target, flags: Flags) -> tuple[Step, ...]:
    """What the abort does: the given command, the target's own, `make abort` where there is one, else its routes."""
    if command := _command(target, flags):
        return (Command(tuple(shlex.split(command)), timeout_s=60.0),)
    return tuple(_post(target, call) for call in of(target).calls)


def spares_services(target: Target, flags: Flags) -> bool:
    """Whether its steps stop no service: a command may, and what it stops is none that died of the drill."""
    return not _command(target, flags)


def first(target: Target) -> tuple[Step, ...]:
    """What is done at once, before the system has come to rest: the pause alone; nothing where no route is known.

    This is so whatever the other steps are. A command is not known to be harmless if it is repeated, nor can its pause
    be told from the rest of it: it is run once, when it is sure to last. Until then the system's own pause has to do.
    """
    return tuple(_post(target, call) for call in of(target).calls[:1]) if target.api else ()


def resume(target: Target) -> str:
    """What ends the safe state, as a line of shell; empty where that is not known."""
    call = of(target).resume
    return to_shell(_post(target, call)) if call and target.api else ""


def _post(target: Target, call: Call) -> HttpCall:
    made = HttpCall("POST", target.url(call.path), call.body, dict(target.headers))
    return replace(made, ok_statuses=(*made.ok_statuses, NO_ROUTE)) if call.optional else made


def _command(target: Target, flags: Flags) -> str:
    command = flags.abort_command or target.abort
    return command or ("make abort" if not target.lab and _make_has_abort(Path("Makefile")) else "")


def planned(target: Target, flags: Flags) -> tuple[Step, ...]:
    """What a failure would be followed by: it touches the target, too. Nothing without PAUSE_ON_FAIL, or without an
    API that could be told."""
    try:
        return steps(target, flags) if flags.pause_on_fail else ()
    except (BadTarget, ValueError):
        return ()


def words(target: Target, flags: Flags) -> str:
    """The steps in words: "pause, close all positions, switch to PAPER", or the command."""
    command = _command(target, flags)
    return f"run `{command}`" if command else ", ".join(call.words for call in of(target).calls)


def text(target: Target, flags: Flags) -> str:
    """The same in words, before anything is touched; empty where nothing would follow."""
    if not planned(target, flags):
        return ""
    after = "broke, inconclusive or not restored" if flags.pause_on_fail is not True else "broke or not restored"
    at_once = [f"{call.words} at once" for call in of(target).calls[:1] if first(target)]
    command = _command(target, flags)
    rest = [f"run `{command}`"] if command else [call.words for call in of(target).calls[1:]]
    return f"after {after}: {', '.join([*at_once, *rest])} (PAUSE_ON_FAIL)"


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
    elif flags.pause_on_fail and not of(target).calls:
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
