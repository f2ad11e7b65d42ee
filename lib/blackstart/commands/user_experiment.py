"""The file of a user's own experiment, whose classes a record may hold: loaded because the user names it
(`--experiment`), never because the record does."""

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


def load(named: str, *of_runs: Path) -> None:
    """Load the experiment that the user names, by its file or its name, so that records may hold its classes.

    Raises Refused where it is that of none of the runs in these folders, before any of it is executed.
    """
    found = discovery.find(named)
    sha256 = _sha256(found.path)
    told = {of_run: file for of_run in of_runs if (file := journal.experiment_file(of_run))}
    for of_run, file in told.items():
        if sha256 not in (one.get("sha256") for one in told.values()):
            raise Refused(
                f"{found.path} is not the experiment of {of_run}: its sha256 is {sha256}, and the record has "
                f"{file.get('sha256')} ({file.get('path')}). Name that file with --experiment."
            )
    discovery.load(found, sha256)


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
