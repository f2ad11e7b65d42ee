"""`chaos.heal --forget RUN`: a person gives up what a run has left broken and nothing can mend any more.

Nothing is touched but records: the entries are closed, and the guardian that still tries ends and lets go of its locks.
The run's verdict stays what it was. Who did it, when and why stands in the run's `heal.jsonl`, among its notes, in the
system's log and, where its guardian still lived, in `guardian.jsonl`.
"""

import contextlib
import os
import pwd
import syslog
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from blackstart.base.console import Console
from blackstart.base.errors import EXIT_HELD, Damaged, Refused, did_you_mean
from blackstart.base.secrets.placeholders import SecretPlaceholders, masked
from blackstart.base.secrets.redact import Redactor
from blackstart.evidence import notes
from blackstart.evidence.events import EventName
from blackstart.safety.heal.heal import wake
from blackstart.safety.ledger import heal_record, undo_copies
from blackstart.safety.ledger.heal_lock import one_healer
from blackstart.safety.ledger.ledger import Entry, Ledger, Unreadable
from blackstart.safety.ledger.repair import repair

Say = Callable[[str], None]
_OTHER_HEAL_WITHIN_S = 120.0
_ANSWERED_WITHIN_S = 600.0
_GUARDIAN_ENDS_WITHIN_S = 60.0  # a step of its undo may be under way


@dataclass(frozen=True)
class Left:
    """What one run has left broken, as the ledger and the copies know it."""

    run: str
    entries: tuple[Entry, ...]
    unreadable: tuple[Unreadable, ...]

    @property
    def all(self) -> tuple[Entry | Unreadable, ...]:
        """Every entry, newest first."""
        return (*self.entries, *self.unreadable)

    @property
    def evidence(self) -> Path:
        """The run's folder."""
        return self.all[0].evidence

    def refuse_alive(self) -> None:
        """Raise Refused while the run lives, or its guardian has not yet failed."""
        for entry in self.entries:
            if entry.runner.alive():
                raise Refused(f"the run {self.run} ({entry.runner}) is alive. End it, and it restores what it broke.")
            if entry.owned():
                raise Refused(f"the guardian of {self.run} ({entry.guardian}) is at its first try. See chaos.status.")


def forget(run: str, reason: str, reports: Path, console: Console) -> int:
    """Give up what `run` (its name or id) has left broken, once it was said what that is, and confirmed.

    Raises Refused where nothing of it is broken, where it is alive, and where there is no reason or no yes.
    """
    if not console.interactive and not reason:
        raise Refused("to give up what is broken needs a reason: --reason 'WHY'")
    redactor = Redactor()
    redactor.learn_environment()
    placeholders = SecretPlaceholders(learn=redactor.learn)
    ledger = Ledger(placeholders=placeholders)

    def told(text: str) -> None:
        console.plain(masked(redactor(text)))

    with one_healer(_OTHER_HEAL_WITHIN_S):
        left = _left(run, ledger, reports, told, placeholders)
        left.refuse_alive()
    _tell_left(left, told)
    reason = _confirmed(reason, console)
    with one_healer(_OTHER_HEAL_WITHIN_S):  # whatever has been mended meanwhile is not given up
        left = _left(left.run, ledger, reports, told, placeholders)
        left.refuse_alive()
        _record(left, reason, redactor, told)
        for one in left.all:
            ledger.close(one.id)
        undo_copies.forget(left.evidence, left.run)
    _see_guardian_off(left.entries, told)
    told(f"given up: {left.run}. It stays not restored, and LEFT BROKEN{left.all[0].or_by_hand}")
    return EXIT_HELD


def _confirmed(reason: str, console: Console) -> str:
    if not console.interactive:
        return reason
    why = reason or console.line("Why can it never be mended? ", _ANSWERED_WITHIN_S).strip()
    if not why or not console.ask("Give it up, and leave it broken?", _ANSWERED_WITHIN_S):
        raise Refused("nothing was given up: that needs a reason and a yes")
    return why


def _left(run: str, ledger: Ledger, reports: Path, say: Say, placeholders: SecretPlaceholders) -> Left:
    entries = [*repair(ledger, reports, say, placeholders), *ledger.outstanding()]
    unreadable = ledger.unreadable()
    everything: list[Entry | Unreadable] = [*entries, *unreadable]
    known = {one.run for one in everything}
    names = {one.run for one in everything if run in (one.run, str(one.evidence), _id_of(one))}
    if len(names) != 1:
        hint = did_you_mean(run, known) if known else ""
        raise Refused(f"nothing is broken that a run {run!r} has left.{hint} chaos.status shows what is.")
    (name,) = names
    mine = tuple(entry for entry in entries if entry.run == name)
    return Left(name, mine, tuple(one for one in unreadable if one.run == name))


def _id_of(one: Entry | Unreadable) -> str:
    """`CHAOS-…`: a hidden file beside the evidence holds the name of its run."""
    for path in one.evidence.parent.glob(".CHAOS-*"):
        with contextlib.suppress(OSError):
            if path.read_text(encoding="utf-8").strip() == one.run:
                return path.name.removeprefix(".")
    return one.run


def _tell_left(left: Left, say: Say) -> None:
    for entry in left.entries:
        say(f"would be left broken: {entry.change.what}, since {entry.opened_utc}")
        if (between := entry.apart()) is not None:
            say(f"it was made {between.where}: whether its run is alive can't be told from here")
    for one in left.unreadable:
        say(f"would be left broken: the entry {one.id}, which can't be read ({one.why})")
    if left.all[0].by_hand:
        say(f"what would mend it by hand: {left.all[0].by_hand}")


def _record(left: Left, reason: str, redactor: Redactor, say: Say) -> None:
    by = _who()
    whats = {entry.id: entry.change.what for entry in left.entries}
    write, close = heal_record.begin(left.evidence, redactor)
    try:
        for one in left.all:
            what = whats.get(one.id, "an entry that can't be read")
            write(EventName.GIVEN_UP, change=one.id, what=what, by=by, reason=reason, sync=True)
    finally:
        close()
    text = redactor(f"given up, and left broken: {', '.join(whats.values()) or left.run}. {reason}")
    with contextlib.suppress(OSError, ValueError):
        syslog.syslog(syslog.LOG_ALERT, f"blackstart: {left.run}: {text} ({by})")
    try:
        notes.append(left.evidence, text, by, redactor)
    except (Damaged, OSError) as error:
        say(f"the note of it could not be added: {error}")


def _who() -> str:
    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        name = str(os.geteuid())
    asked = os.environ.get("SUDO_USER")
    return f"{name} (for {asked})" if asked else name


def _see_guardian_off(entries: Sequence[Entry], say: Say) -> None:
    """Wake the guardian of what was given up, and see that it ends."""
    for entry in entries:
        if entry.guardian is None or not entry.guardian.alive():
            continue
        wake(entry)
        ended = Retrying(
            stop=stop_after_delay(_GUARDIAN_ENDS_WITHIN_S),
            wait=wait_fixed(0.05),
            retry=retry_if_result(bool),
            retry_error_callback=lambda state: True,
        )
        if ended(entry.guardian.alive):
            say(f"its guardian ({entry.guardian}) is still at its present try, and ends after it")
        else:
            say(f"its guardian ({entry.guardian}) has ended, and its locks are free")
