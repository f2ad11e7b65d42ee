"""Second copies of what a run may have broken, so that a ruined ledger loses nothing.

`undo.json` in the evidence folder holds the run's changes while they may be in force; a link in the state folder
(`runs/<run>`) says where that folder is. Both are removed when everything is proved undone.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from blackstart.codec import from_data, to_data
from blackstart.errors import BlackstartError, Damaged
from blackstart.model import Change
from blackstart.safety.alive import Process
from blackstart.safety.place import Apart
from blackstart.state import state_dir
from blackstart.vault import Vault

NAME = "undo.json"


@dataclass(frozen=True)
class Copy:
    """What one run may have broken. `changes` maps the ledger's entry to each."""

    run: str
    evidence: Path
    runner: Process
    guardian: Process
    changes: dict[str, Change]

    def owned(self) -> bool:
        """Whether somebody alive looks after it."""
        return self.runner.alive() or self.guardian.alive()

    def apart(self) -> Apart | None:
        """What lies between us and the place where the run was."""
        return self.runner.apart()


def write(copy: Copy, vault: Vault | None = None) -> None:
    """Put it on the disk, whole or not at all, and without the secrets in `vault`. Raises OSError."""
    data = {
        "run": copy.run,
        "runner": to_data(copy.runner),
        "guardian": to_data(copy.guardian),
        "changes": (vault or Vault()).conceal({entry: to_data(change) for entry, change in copy.changes.items()}),
    }
    path = copy.evidence / NAME
    part = path.with_suffix(".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    _sync(copy.evidence)
    with contextlib.suppress(FileExistsError):  # as it is since the run claimed its name
        claim(copy.run, copy.evidence)
    _sync(_links())


def claim(run: str, evidence: Path) -> None:
    """Make the run's link, by which its name is its own. Raises FileExistsError where another has it, or OSError."""
    _links().mkdir(exist_ok=True)
    (_links() / run).symlink_to(evidence)


def read(evidence: Path, vault: Vault | None = None) -> Copy:
    """The copy in an evidence folder; the secrets that it refers to come into `vault`.

    Raises Damaged where there is none that can be read.
    """
    path = evidence / NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        revealed = (vault or Vault()).reveal(data["changes"])
        changes = {entry: from_data(change) for entry, change in revealed.items()}
        return Copy(str(data["run"]), evidence, from_data(data["runner"]), from_data(data["guardian"]), changes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, BlackstartError) as error:
        raise Damaged(f"{path} can't be read: {error}") from error


def known(reports: Path) -> list[Path]:
    """The evidence folders of runs that have not been proved undone, here and wherever the state folder points to."""
    linked = [link.resolve() for link in _links().glob("*")]
    found = dict.fromkeys([*linked, *(path.parent.resolve() for path in reports.glob(f"*/{NAME}"))])
    return [evidence for evidence in found if (evidence / NAME).exists()]


def forget(evidence: Path, run: str) -> None:
    """Everything of this run is proved undone. Idempotent; a copy that can't be removed is only a copy too many."""
    with contextlib.suppress(OSError):
        (_links() / run).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        (evidence / NAME).unlink(missing_ok=True)


def _links() -> Path:
    return state_dir() / "runs"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
