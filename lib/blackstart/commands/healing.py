"""What `chaos.heal` and `chaos.status` do."""

import contextlib
import os
import sys
from functools import partial
from pathlib import Path

from blackstart.base import writer
from blackstart.base.console import Console
from blackstart.base.errors import Damaged, Refused
from blackstart.base.secrets.redact import Redactor
from blackstart.commands import user_experiment
from blackstart.commands.answer import answering
from blackstart.model import flags
from blackstart.safety.heal import forget as forgetting
from blackstart.safety.heal import heal as healing
from blackstart.safety.heal import strange_copy
from blackstart.safety.ledger import undo_copies
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.preflight import freeze


@answering()
def heal(redactor: Redactor, here: bool = False, path: str = "", agreed: bool = False, experiment: str = "") -> int:
    """Mend what dead runs left broken; `here`: also what was broken elsewhere; `path`: also what the copy there says,
    once that is agreed to; `experiment`: the file of one of the user's own, whose classes records may hold."""
    if agreed and not path:
        raise Refused("--agree says yes to the commands of --from PATH, which is missing")
    if experiment:
        user_experiment.load(experiment, *_unread(path))
    take = (
        partial(strange_copy.take, Path(path), writer.line, lambda: agreed or _agrees(redactor))
        if path
        else strange_copy.none
    )
    return healing.heal(lambda text: writer.line(redactor(text)), healing.reports(), here, take)


def _unread(path: str) -> list[Path]:
    """The evidence folders whose runs have left something that may need the experiment's classes."""
    folders = undo_copies.vouched(healing.reports())
    folders += [Path(path) if Path(path).is_dir() else Path(path).parent] if path else []
    with contextlib.suppress(Damaged):
        folders += [one.evidence for one in Ledger().unreadable() if one.digest]
    return folders


def _agrees(redactor: Redactor) -> bool:
    if flags.read().noninteractive or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Refused("nobody is there to agree. Look at the commands above, then add --agree to run them.")
    return Console(False, redactor).ask("Run these commands here?")


@answering()
def forget(redactor: Redactor, run: str, reason: str) -> int:
    """Give up what a run has left broken; asks on a terminal, and needs a reason everywhere."""
    given = flags.read()
    return forgetting.forget(run, reason.strip(), Path(given.reports), Console(given.noninteractive, redactor))


@answering()
def status(redactor: Redactor) -> int:
    try:
        if frozen := freeze.look(os.environ):
            writer.line(redactor(str(frozen)))
    except Refused as unread:
        writer.line(redactor(str(unread)))
    return healing.status(lambda text: writer.line(redactor(text)), healing.reports())
