"""`chaos.heal` and `chaos.status`: what is broken on this machine, and its mending where nobody looks after it."""

import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

from blackstart.base import clock
from blackstart.base.durations import shown
from blackstart.base.errors import EXIT_HELD, EXIT_NOT_RESTORED, Damaged, StepFailed
from blackstart.base.secrets.placeholders import SecretPlaceholders, masked
from blackstart.base.secrets.redact import Redactor
from blackstart.controls.steps.local import run
from blackstart.evidence import journal
from blackstart.evidence.events import EventName
from blackstart.evidence.journal import Note
from blackstart.model.step import Command
from blackstart.safety.heal import mended_by, strange_copy
from blackstart.safety.heal.elsewhere import gone_with_its_network, heal_command, is_far
from blackstart.safety.heal.elsewhere import last_lines as far_commands
from blackstart.safety.heal.elsewhere import line as far_line
from blackstart.safety.heal.lab_gone import gone_with_its_lab
from blackstart.safety.heal.restore import longest_s, standing
from blackstart.safety.heal.restorer import UNDO_WITHIN_S, Restorer, recorded
from blackstart.safety.ledger import heal_record, undo_copies
from blackstart.safety.ledger.heal_lock import one_healer
from blackstart.safety.ledger.ledger import Entry, Ledger, Unreadable
from blackstart.safety.ledger.repair import may_be_open, repair
from blackstart.safety.processes import steps_in_flight
from blackstart.safety.processes.identity import boot_id
from blackstart.safety.processes.runner import Runner

REPORTS = Path("reports/chaos")
Say = Callable[[str], None]
_OTHER_HEAL_WITHIN_S = 120.0
_SCRIPT_WITHIN_S = 120.0
_STILL_EVERY_S = 10.0
_DONE = ("done", "undoing")
_TRIED = ("undoing", "late")
_ROW = ("state", "run", "since", "looked after by", "evidence")


def reports() -> Path:
    """The reports folder, by its variable alone: no other flag may keep anybody from mending."""
    return Path(os.environ.get("REPORTS") or REPORTS)


def way_out(run: str) -> str:
    """What to type where mending has failed and always will."""
    command = heal_command("--forget", shlex.quote(run), "--reason", "'WHY'")
    return f"if it can never be mended: {command}"


def heal(say: Say, reports: Path = REPORTS, here: bool = False, take: strange_copy.Take = strange_copy.none) -> int:
    """Mend what dead runs left broken, newest first; list what live runs hold, and leave it alone.

    What was broken on another machine or in another network namespace is listed too; `here`: somebody knows that it can
    be mended from here all the same. `take` may add entries that no record of ours knows (`strange_copy`). Returns the
    exit code: 50 where something is not mended, and then says the heal command last. Raises Refused where another
    `chaos.heal` does not come to an end, or nobody agrees to what would be taken.
    """
    redactor, placeholders = _secrets()
    say, ledger = _masking(say, redactor), Ledger(placeholders=placeholders)
    taken = take(placeholders)
    with one_healer(_OTHER_HEAL_WITHIN_S):
        entries = [*repair(ledger, reports, say, placeholders, taken), *ledger.outstanding()]
        owned = [entry for entry in entries if entry.owned()]
        for entry in owned:
            alive = entry.runner if entry.runner.alive() else f"{entry.guardian}, its guardian"
            say(f"left alone: {entry.change.what}, held by the run {entry.run} ({alive}), which is alive")
        far_runs = {entry.run for entry in entries if entry not in owned and not here and is_far(entry)}
        far = [entry for entry in entries if entry.run in far_runs]
        orphaned = [entry for entry in entries if entry not in owned and entry not in far]
        unreadable = ledger.unreadable()
        if not orphaned and not unreadable and not far:
            say("nothing is broken that nobody looks after")
            return EXIT_HELD
        left = [
            entry
            for name, group in groupby(orphaned, key=lambda entry: entry.run)
            for entry in _mend_run(name, list(group), ledger, say, redactor)
        ]
        for one in unreadable:
            _needs_its_file(one, say) if one.digest else _by_script(one, ledger, say)
        return _closing(left, far, unreadable, say)


def leftovers(say: Say, reports: Path = REPORTS) -> None:
    """For the start of every run: heal where there is something to heal, and say nothing where there is not."""
    redactor, placeholders = _secrets()
    tell, ledger = _masking(say, redactor), Ledger(placeholders=placeholders)
    try:
        ledger.check()
        ownerless = [entry for entry in ledger.outstanding() if not entry.owned()]
        orphaned = bool(ledger.unreadable()) or not all(map(is_far, ownerless))
        for entry in filter(is_far, ownerless):
            tell(far_line(entry))
    except Damaged:
        orphaned = True
    if orphaned or any(map(_ownerless, undo_copies.known(reports))):
        say("a run before this one has left something behind; mending it first")
        heal(say, reports)
        return
    for line in undo_copies.unvouched(reports):
        tell(line)


def _ownerless(evidence: Path) -> bool:
    try:
        copy = undo_copies.read(evidence)
        return not copy.owned() and copy.apart() is None
    except Damaged:
        return False  # heal says so, and where HEAL.sh is; but not at every start


def status(say: Say, reports: Path = REPORTS) -> int:
    """A table of what is broken now, since when, and who looks after it. 50 where nobody does.

    What only the copies know, there and in `reports`, is listed too: somebody may have removed the ledger. Where
    nothing is broken, it says who undid what the newest run did.
    """
    redactor, placeholders = _secrets()
    say, ledger = _masking(say, redactor), Ledger(placeholders=placeholders)
    try:
        ledger.check()
        entries, unreadable = ledger.outstanding(), ledger.unreadable()
    except Damaged as damage:
        _say_all(say, (f"{damage}. The copies in the evidence folders are whole; to mend from them:", heal_command()))
        return EXIT_NOT_RESTORED
    listed = {*(entry.id for entry in entries), *(one.id for one in unreadable)}
    unlisted = [
        row for evidence in undo_copies.known(reports) for row in _unlisted(evidence, listed, ledger, placeholders)
    ]
    for line in undo_copies.unvouched(reports):
        say(line)
    if not entries and not unreadable and not unlisted:
        _say_all(say, mended_by.newest(reports))
        say("nothing is broken that a drill did")
        return EXIT_HELD
    rows = [*map(_row, entries), *unlisted]
    rows += [(f"(can't be read: {one.why})", "", one.run, "", "nobody", str(one.evidence)) for one in unreadable]
    for change, *told in rows:  # a path is wider than a column may be, and is to be copied
        say(change)
        _say_all(say, (f"  {head + ':':<17}{text}" for head, text in zip(_ROW, told, strict=True) if text))
    if unreadable or unlisted or not all(entry.owned() for entry in entries):
        # An undo that was begun, and that nobody is at any more, has failed.
        for name in dict.fromkeys(one.run for one in entries if one.state in _TRIED and not one.owned()):
            say(way_out(name))
        far = [entry for entry in entries if not entry.owned() and is_far(entry)]
        for one in (one for one in entries if not one.owned() and one not in far):
            say(standing(one.change))
        commands = far_commands(far) + ([] if far and len(rows) == len(far) else [heal_command()])
        _say_all(say, ("to mend what nobody looks after:", *commands))
        return EXIT_NOT_RESTORED
    return EXIT_HELD


def _unlisted(
    evidence: Path, listed: Collection[str], ledger: Ledger, placeholders: SecretPlaceholders
) -> list[tuple[str, ...]]:
    """Rows of what a dead run may have left broken, and the ledger does not know."""
    try:
        copy = undo_copies.read(evidence, placeholders)
    except Damaged:
        return []  # heal says so
    if copy.owned() or copy.apart() is not None:
        return []
    over = {*listed, *heal_record.given_up(evidence)}
    left = [entry for entry in may_be_open(copy, not ledger.path.exists()) if entry not in over]
    return [(copy.changes[entry].what, "not in the ledger", copy.run, "", "nobody", str(evidence)) for entry in left]


def _row(entry: Entry) -> tuple[str, ...]:
    between = None if entry.owned() else entry.apart()
    if between is not None:
        keeper = f"can't be told from here: made {between.where}"
    elif entry.lease_ran_out():
        tries = entry.guardian is not None and entry.guardian.alive()
        keeper = f"its guardian ({entry.guardian}), trying on" if tries else "nobody: its lease ran out"
    elif entry.runner.alive():
        keeper = f"its run ({entry.runner}), for {shown(entry.lease_until_s - clock.now_s())} at most"
    elif entry.owned():
        keeper = f"its guardian ({entry.guardian}), which is mending it"
    else:
        keeper = "nobody"
    return entry.change.what, entry.state, entry.run, entry.opened_utc, keeper, str(entry.evidence)


def _mend_run(name: str, entries: Sequence[Entry], ledger: Ledger, say: Say, redactor: Redactor) -> list[Entry]:
    """Mend one run's entries (newest first); returns those that could not be mended."""
    first = entries[0]
    note, close = heal_record.begin(first.evidence, redactor)
    try:
        for entry in entries:
            note(
                EventName.HEALING, change=entry.id, state=entry.state, runner=str(entry.runner), opened=entry.opened_utc
            )
        if first.runner.alive():
            say(f"the run {name} ({first.runner}) outlived its lease; ending it, so that it breaks nothing more")
            Runner(first.runner).end(note)
        ended = _ended(entries, ledger, say, note)
        entries = [entry for entry in entries if entry not in ended]
        doing = [entry for entry in entries if entry.state in ("intent", "doing") and entry.boot == boot_id()]
        beginnings = [
            steps_in_flight.Beginning(entry.change, entry.lease_until_s - entry.change.lease_s) for entry in doing
        ]
        given_up = [entry for entry in entries if entry.state == "late"]
        given_up += doing if steps_in_flight.settle(beginnings, [], [], note) else []
        late = {entry.id: longest_s(entry.change) for entry in given_up}
        restorer = Restorer(ledger, say, note, UNDO_WITHIN_S, hands=sys.stdin.isatty(), late=late,
                            trying=_still(say))  # fmt: skip
        broken = {entry.id: entry.change for entry in reversed(entries)}
        mended = restorer.mend(broken, [entry.id for entry in entries if entry.state != "done"])
    finally:
        close()
    if len(mended) == len(entries):
        undo_copies.forget(first.evidence, name)
    wake(first)
    return [entry for entry in entries if entry.id not in mended]


def _still(say: Say) -> Callable[[int], None]:
    """Says which try it is, every ten seconds: an undo that goes well and is not proved says nothing by itself."""
    said_s = clock.now_s()

    def trying(times: int) -> None:
        nonlocal said_s
        if times == 1 or clock.now_s() - said_s >= _STILL_EVERY_S:
            if times > 1:
                say(f"still undoing it, try {times}")
            said_s = clock.now_s()

    return trying


def _ended(entries: Sequence[Entry], ledger: Ledger, say: Say, note: Note) -> list[Entry]:
    """Close what has ended with the network namespace or the lab that it was in; returns it."""
    ended = []
    for entry in entries:
        place, what = entry.runner.place, entry.change.what
        if gone_with_its_network(entry):
            note(EventName.GONE_WITH_NETWORK, change=entry.id, what=what, sync=True)
            say(f"gone with its network namespace ({place.named or place.network}): {what}")
        # A step that may still take effect would find the new lab, under the same name.
        elif entry.state in _DONE and (proof := gone_with_its_lab(entry.change, entry.opened_utc)):
            note(EventName.GONE_WITH_LAB, change=entry.id, what=what, proof=proof, sync=True)
            say(f"nothing is left to mend of {what}: {proof}")
        else:
            continue
        recorded(partial(ledger.close, entry.id), say)
        ended.append(entry)
    return ended


def wake(entry: Entry) -> None:
    """Where its guardian waits for its next try: let it look now."""
    if entry.guardian is not None and entry.guardian.alive():
        with contextlib.suppress(ProcessLookupError):
            os.kill(entry.guardian.pid, signal.SIGHUP)


def _secrets() -> tuple[Redactor, SecretPlaceholders]:
    redactor = Redactor()
    redactor.learn_environment()
    return redactor, SecretPlaceholders(learn=redactor.learn)


def _say_all(say: Say, lines: Iterable[str]) -> None:
    for line in lines:
        say(line)


def _masking(say: Say, redactor: Redactor) -> Say:
    return lambda text: say(masked(redactor(text)))


def _needs_its_file(one: Unreadable, say: Say) -> None:
    """Its classes are known only where somebody names the file that they are in: never because a record does."""
    say(f"NOT MENDED: the ledger's entry {one.id}: {one.why}")
    file = str(journal.experiment_file(one.evidence).get("path", "FILE"))
    _say_all(say, (f"its experiment's file was {file}; to mend it:", heal_command("--experiment", shlex.quote(file))))


def _by_script(one: Unreadable, ledger: Ledger, say: Say) -> None:
    """The last resort for an entry of which only the name is known: its run's HEAL.sh, which proves nothing."""
    script = one.evidence / "HEAL.sh"
    if not one.by_hand:
        return  # it was taken from elsewhere, and so would be the script, or that is not what its run wrote
    say(f"the ledger's entry {one.id} can't be read ({one.why}); running {script}")
    try:
        outcome = run(Command(("sh", str(script)), timeout_s=_SCRIPT_WITHIN_S))
    except StepFailed as error:
        say(str(error))
        return
    _say_all(say, (outcome.stdout.strip() or outcome.stderr.strip()).split("\n"))
    if outcome.ok:
        say(f"HEAL.sh says that everything is undone, which can't be proved: see for yourself. Forgetting {one.id}")
        ledger.close(one.id)


def _closing(left: Sequence[Entry], far: Sequence[Entry], unreadable: Sequence[Unreadable], say: Say) -> int:
    for entry in left:
        say(f"NOT RESTORED: {entry.change.what} (run {entry.run}){entry.or_by_hand}")
    for one in unreadable:
        say(f"NOT PROVED: the entry {one.id}{one.or_by_hand}")
    for entry in far:
        say(far_line(entry))
    if far:
        _say_all(say, ("it is mended where it was broken:", *far_commands(far)))
    elif not left and not unreadable:
        say("nothing is broken any more, and it was proved")
        return EXIT_HELD
    names = dict.fromkeys([*(entry.run for entry in left), *(one.run for one in unreadable)])
    _say_all(say, map(way_out, names))
    if names:
        _say_all(say, ("when the cause is removed:", heal_command()))
    return EXIT_NOT_RESTORED
