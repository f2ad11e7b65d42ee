"""`chaos.heal --from PATH`: a copy that this user's state folder does not vouch for, shown, agreed to, then mended.

It may come from anywhere. So everything that mending would run is shown in full, the undo and what its proof reads, as
it stands there and with nothing masked, and nothing of it happens before a person has said yes. What the ledger keeps
of it then is what was shown.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from blackstart.base.codec import to_data
from blackstart.base.errors import BlackstartError, Damaged, Refused
from blackstart.base.secrets import references
from blackstart.base.secrets.placeholders import SecretPlaceholders, marks
from blackstart.controls.steps.shell import to_shell
from blackstart.model.change import Change
from blackstart.safety.ledger import undo_copies
from blackstart.safety.ledger.ledger import TAKEN, Entry, Ledger
from blackstart.safety.ledger.repair import entry_of
from blackstart.safety.ledger.undo_copies import Copy

Say = Callable[[str], None]
Take = Callable[[SecretPlaceholders], list[Entry]]


def none(placeholders: SecretPlaceholders) -> list[Entry]:
    """What is taken where no path is named."""
    return []


def take(path: Path, show: Say, agrees: Callable[[], bool], placeholders: SecretPlaceholders) -> list[Entry]:
    """The entries of a copy, by its path or its folder's, oldest first, once they were shown and agreed to.

    `show` must mask nothing: a command that looks like a secret is one all the same. Raises Refused where it is not
    agreed to, where it can't be read, where its run is alive, and where the ledger has something of that run.
    """
    file = path / undo_copies.NAME if path.is_dir() else path
    if file.name != undo_copies.NAME or not file.is_file():
        raise Refused(f"there is no {undo_copies.NAME} to be read in {path}")
    try:
        data, folder = file.read_bytes(), file.absolute().parent
        copy = undo_copies.parsed(data, folder)
        told = list(_told(copy))
        _refuse(copy)
        show(f"{file} says that the run {copy.run} broke this. To mend it would run here:")
        for line in told:
            show(line)
        if not agrees():
            raise Refused("nothing was carried out: nobody agreed to these commands")
        shown = undo_copies.parsed(data, folder, placeholders)
    except Refused:
        raise
    except (BlackstartError, OSError) as error:
        raise Refused(str(error)) from error
    # Nothing is awaited or ended of the steps that it names: whose processes they are nobody vouches for.
    return [replace(entry_of(shown, entry), state="undoing", note=TAKEN) for entry in shown.changes]


def _refuse(copy: Copy) -> None:
    if copy.owned():
        raise Refused(
            f"the run {copy.run} is alive ({copy.runner}), or its guardian ({copy.guardian}): it mends itself"
        )
    if any(copy.run == run or entry in copy.changes for run, entry in _listed()):
        raise Refused(f"the ledger has what the run {copy.run} broke, and its word counts: chaos.heal without --from")
    for _, _, reference in marks(json.dumps([to_data(change) for change in copy.changes.values()])):
        if not reference.startswith("env:"):
            raise Refused(
                f"it takes a part of a command out of a file, {references.shown(reference)}, which can't be shown. Put "
                "that into a variable of the environment, and refer to the variable (env:NAME) in its place"
            )


def _listed() -> list[tuple[str, str]]:
    """The run and the name of each entry of the ledger, as far as it can be read: a ruined one is repaired later."""
    ledger = Ledger()
    try:
        return [(one.run, one.id) for one in ledger.outstanding()] + [(one.run, one.id) for one in ledger.unreadable()]
    except Damaged:
        return []


def _told(copy: Copy) -> Iterator[str]:
    for change in reversed(copy.changes.values()):
        yield from _within(f"undo of: {change.what}")
        for step in change.undo:
            yield from _within(f"    {to_shell(step)}")
        yield from _proofs(change)


def _proofs(change: Change) -> Iterator[str]:
    if not change.gone:
        yield "  proved by: nothing"
    for condition in change.gone:
        yield from _within(f"  proved by: {condition}, of {json.dumps(to_data(condition.probe))}")


def _within(text: str) -> Iterator[str]:
    """The lines of a text that can't be taken for lines of ours; a secret named by where it is."""
    for mark, _, reference in marks(text):
        text = text.replace(mark, f"[{references.shown(reference)}]")
    first, *more = text.split("\n")
    yield first
    yield from (f"      | {line}" for line in more)
