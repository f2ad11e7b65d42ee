"""`chaos.heal --from PATH`: a copy that this user's state folder does not vouch for, shown, agreed to, then mended.

It may come from anywhere. So everything that mending would run is shown in full, the undo and what its proof reads, and
nothing of it happens before a person has said yes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from blackstart.base.codec import to_data
from blackstart.base.errors import Damaged, Refused
from blackstart.base.secrets.placeholders import SecretPlaceholders
from blackstart.controls.steps.shell import to_shell
from blackstart.model.change import Change
from blackstart.safety.ledger import undo_copies
from blackstart.safety.ledger.ledger import Entry
from blackstart.safety.ledger.repair import entry_of

Say = Callable[[str], None]
Take = Callable[[SecretPlaceholders, Say], list[Entry]]


def none(placeholders: SecretPlaceholders, say: Say) -> list[Entry]:
    """What is taken where no path is named."""
    return []


def take(path: Path, agrees: Callable[[], bool], placeholders: SecretPlaceholders, say: Say) -> list[Entry]:
    """The entries of a copy, by its path or its folder's, oldest first, once they were shown and agreed to.

    Raises Refused where they are not, where it can't be read, and where its run is alive.
    """
    file = path / undo_copies.NAME if path.is_dir() else path
    if not file.is_file():
        raise Refused(f"there is no {undo_copies.NAME} in {path}")
    try:
        copy = undo_copies.parsed(file.read_bytes(), file.absolute().parent, placeholders)
    except (Damaged, OSError) as error:
        raise Refused(str(error)) from error
    if copy.owned():
        raise Refused(
            f"the run {copy.run} is alive ({copy.runner}), or its guardian ({copy.guardian}): it mends itself"
        )
    say(f"{file} says that the run {copy.run} broke this. To mend it would run here:")
    for change in reversed(copy.changes.values()):
        for line in _told(change):
            say(line)
    if not agrees():
        raise Refused("nothing was carried out: nobody agreed to these commands")
    # Nothing is awaited or ended of the steps that it names: whose processes they are nobody vouches for.
    return [replace(entry_of(copy, entry), state="undoing") for entry in copy.changes]


def _told(change: Change) -> Iterator[str]:
    yield f"undo of: {change.what}"
    yield from (f"    {to_shell(step)}" for step in change.undo)
    for condition in change.gone:
        yield f"  proved by: {condition}, of {json.dumps(to_data(condition.probe))}"
