"""The file of a user's own experiment, whose classes a record may hold: loaded because the user names it
(`--experiment`), never because the record does."""

from __future__ import annotations

import hashlib
from pathlib import Path

from blackstart.base.codec import from_data
from blackstart.base.errors import Damaged, NotLoaded, Refused
from blackstart.evidence import journal
from blackstart.evidence.events import EventName
from blackstart.suites import discovery


def source(found: discovery.Found) -> dict[str, str]:
    """What a journal says of the file that declared an experiment."""
    return {"path": str(found.path.absolute()), "sha256": _sha256(found.path)}


def load(named: str, of_run: Path | None = None) -> None:
    """Load the experiment that the user names, by its file or its name, so that records may hold its classes.

    Raises Refused where it is not the one of the run in the folder `of_run`, before any of it is executed.
    """
    found = discovery.find(named)
    told = journal.experiment_file(of_run) if of_run else {}
    if told and told.get("sha256") != _sha256(found.path):
        raise Refused(
            f"{found.path} is not the experiment of {of_run}: its sha256 is {_sha256(found.path)}, and the record has "
            f"{told.get('sha256')} ({told.get('path')}). Name that file with --experiment."
        )
    discovery.load(found)


def demand(folder: Path) -> None:
    """Raise Damaged, in one line, where the classes in this run's record are not all known."""
    record = journal.read(folder / "journal.jsonl")
    try:
        for event, part in ((EventName.RUN, "experiment"), (EventName.PLAN, "changes")):
            from_data((record.first(event) or {}).get(part))
    except NotLoaded as error:
        told = journal.experiment_file(folder)
        file = f"{told.get('path')} (sha256 {told.get('sha256')})" if told else "not recorded"
        raise Damaged(f"{folder}: {error}. Its experiment's file was {file}; name it with --experiment FILE") from error
    except (Damaged, RecursionError) as error:
        raise Damaged(f"{folder}: {error}") from error


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise Refused(f"{path} can't be read: {error.strerror}") from error
