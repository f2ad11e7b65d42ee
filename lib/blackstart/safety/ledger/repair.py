"""A ledger that was truncated, overwritten or removed: set it aside, and rebuild it from what else is known."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from blackstart.base import clock
from blackstart.base.errors import Damaged, NotVouched
from blackstart.base.secrets.placeholders import SecretPlaceholders
from blackstart.evidence import journal
from blackstart.evidence.events import EventName
from blackstart.safety.ledger import heal_record, undo_copies
from blackstart.safety.ledger.ledger import Entry, Ledger
from blackstart.safety.ledger.undo_copies import Copy
from blackstart.safety.processes.identity import boot_id

Say = Callable[[str], None]
_OVER = (EventName.CLOSED, EventName.GIVEN_UP, EventName.GONE_WITH_LAB)


def repair(
    ledger: Ledger, reports: Path, say: Say, placeholders: SecretPlaceholders | None = None, taken: Sequence[Entry] = ()
) -> list[Entry]:
    """Make the ledger whole: afterwards it can be read, and lists everything that may be in force, and `taken`.

    Copies are looked for where the receipts in the state folder say, and in `reports`. Returns the entries that could
    not be written (a full disk), newest first, which must be mended all the same. `placeholders` learns their secrets.
    """
    missing = not ledger.path.exists()
    kept = None if missing else _set_aside(ledger, say)
    ruined = missing or kept is not None
    listed = [entry.id for entry in ledger.outstanding()]
    found = [*(kept or []), *_copied(ledger, reports, ruined, say, placeholders)]
    found += [entry for entry in taken if entry.id not in (*listed, *(one.id for one in found))]
    unwritten = [entry for entry in found if not _put(ledger, entry, say)]
    return unwritten[::-1]


def _set_aside(ledger: Ledger, say: Say) -> list[Entry] | None:
    """None where the ledger is whole; else what could still be read of it."""
    try:
        ledger.check()
    except Damaged as damage:
        kept = ledger.salvage()
        aside = ledger.set_aside()
        say(f"{damage}. It was set aside as {aside.name}, and a new one begun from the copies in the evidence folders.")
        return kept
    return None


def _put(ledger: Ledger, entry: Entry, say: Say) -> bool:
    try:
        ledger.put(entry)
    except Damaged as damage:
        say(str(damage))
        return False
    return True


def _copied(
    ledger: Ledger, reports: Path, ruined: bool, say: Say, placeholders: SecretPlaceholders | None
) -> list[Entry]:
    """What the copies know and the ledger does not."""
    listed = [entry.id for entry in ledger.outstanding()]
    missing: list[Entry] = []
    for evidence in undo_copies.known(reports):
        try:
            copy = undo_copies.read(evidence, placeholders)
        except NotVouched as stranger:
            say(str(stranger))
            continue
        except Damaged as damage:
            script = evidence / "HEAL.sh"
            by_hand = (
                f"sh {script}" if not undo_copies.script_changed(script) else f"look at {script}, which was changed"
            )
            say(f"{damage}. If something of that run is still broken: {by_hand}")
            continue
        between = copy.apart()
        if between is not None and between.kind == "machine":
            # It may be alive: nobody can know it from here, and its machine has its ledger.
            say(f"left alone: the copy in {evidence}, of a run {between.where}")
            continue
        over = {*listed, *heal_record.given_up(evidence)}
        known = [entry_of(copy, entry) for entry in may_be_open(copy, ruined) if entry not in over]
        for entry in known:
            say(f"taken from the copy in {evidence}: {entry.change.what}")
        if not known and not copy.owned() and not any(entry in listed for entry in copy.changes):
            undo_copies.forget(evidence, copy.run)
        missing += known
    return missing


def may_be_open(copy: Copy, ruined: bool) -> list[str]:
    """The entries of a run that may be in force.

    Where a whole ledger does not have an entry, it was closed, or the ledger was replaced: what the run told its
    guardian decides. Where the ledger was ruined, all that a dead run could have done counts, since an undo that finds
    nothing to do does no harm.
    """
    if copy.owned():
        return _open_by_word(copy) if ruined else []
    return list(copy.changes) if ruined else _open_by_word(copy)


def _open_by_word(copy: Copy) -> list[str]:
    """The entries that were opened and not closed, by guardian.jsonl; all of them where it can't be read."""
    try:
        record = journal.read_beside(copy.evidence, "guardian.jsonl")
    except Damaged:
        return list(copy.changes)
    states = (EventName.INTENT, EventName.DOING, EventName.DONE, EventName.UNDOING, EventName.LATE, *_OVER)
    last = {str(event.get("change")): event["event"] for event in record.of(*states)}
    return [entry for entry in copy.changes if last.get(entry, "closed") not in _OVER]


def entry_of(copy: Copy, entry: str) -> Entry:
    """The ledger's entry of one change, as far as its copy knows."""
    change = copy.changes[entry]
    made = Entry(
        entry, copy.run, copy.run.rpartition("_")[0].replace("_", "-"), "", "doing", change, copy.runner, copy.guardian,
        copy.evidence, copy.runner.boot, 0.0, clock.utc_iso(), "from the copy in the evidence folder",
    )  # fmt: skip
    return replace(made, lease_until_s=clock.now_s() + change.lease_s) if copy.runner.boot == boot_id() else made
