"""Second copies of what a run may have broken, so that a ruined ledger loses nothing.

`undo.json` in the evidence folder holds the run's changes while they may be in force. It is carried out only where this
user's own state folder vouches for it: the run's receipt there (`runs/<run>`) says where that folder is, on which
machine, whose the file is and what its hash is. Both are removed when everything is proved undone. Anybody may put a
file into a reports folder: one without its receipt is not even opened.
"""

import contextlib
import errno
import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import BlackstartError, Damaged, NotVouched
from blackstart.base.secrets.placeholders import SecretPlaceholders
from blackstart.base.state import state_dir
from blackstart.model.change import Change
from blackstart.safety.processes.identity import Process
from blackstart.safety.processes.namespaces import Apart, here

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


@dataclass(frozen=True)
class _Receipt:
    """What the state folder knows of one run's copy and its HEAL.sh (`script`); without hashes where none was written
    yet, or long ago."""

    path: Path
    evidence: Path
    machine: str = ""
    owner: int = -1
    sha256: str = ""
    script: str = ""


def write(copy: Copy, placeholders: SecretPlaceholders | None = None) -> None:
    """Put it on the disk, whole or not at all, and without the secrets in `placeholders`. Raises OSError."""
    data = {
        "run": copy.run,
        "runner": to_data(copy.runner),
        "guardian": to_data(copy.guardian),
        "changes": (placeholders or SecretPlaceholders()).conceal(
            {entry: to_data(change) for entry, change in copy.changes.items()}
        ),
    }
    text = json.dumps(data, indent=1).encode()
    path = copy.evidence / NAME
    part = path.with_suffix(".part")
    _put(part, text)
    # The receipt first: a copy must never be there without it.
    receipt = {"machine": here().machine, "owner": part.stat().st_uid, "sha256": hashlib.sha256(text).hexdigest()}
    _receipts().mkdir(exist_ok=True)
    new = _receipts() / f".{copy.run}"
    _put(new, json.dumps({"evidence": str(copy.evidence), **receipt}).encode())
    new.rename(_receipts() / copy.run)
    _sync(_receipts())
    part.rename(path)
    _sync(copy.evidence)


def claim(run: str, evidence: Path) -> None:
    """Begin the run's receipt, by which its name is its own. Raises FileExistsError where it has one, or OSError."""
    _receipts().mkdir(exist_ok=True)
    with (_receipts() / run).open("x", encoding="utf-8") as file:
        file.write(json.dumps({"evidence": str(evidence)}))


def bind_script(run: str, script: Path) -> None:
    """Have the run's receipt tell the hash of its HEAL.sh, too, once both are there."""
    receipt, new = _receipts() / run, _receipts() / f".{run}"
    with contextlib.suppress(OSError, ValueError):  # a full disk: then nothing is known of it
        told = json.loads(receipt.read_text(encoding="utf-8"))
        _put(new, json.dumps({**told, "script": hashlib.sha256(script.read_bytes()).hexdigest()}).encode())
        new.rename(receipt)
        _sync(_receipts())


def script_changed(script: Path) -> bool:
    """Whether a HEAL.sh is known not to be what its run wrote. Nothing is known of those of older versions."""
    receipt = _known().get(script.parent.resolve())
    if receipt is None or not receipt.script:
        return False
    try:
        return hashlib.sha256(_bytes(script, receipt)).hexdigest() != receipt.script
    except Damaged:
        return True


def read(evidence: Path, placeholders: SecretPlaceholders | None = None) -> Copy:
    """The copy in an evidence folder; the secrets that it refers to come into `placeholders`.

    Raises Damaged where there is none that can be read, NotVouched where it is not what a run of ours left there.
    """
    path, receipt = evidence / NAME, _known().get(evidence.resolve())
    if receipt is None:
        raise _unvouched(path, "the state folder has no receipt of it")
    if receipt.machine not in ("", here().machine):
        raise _unvouched(path, "its run was on another machine")
    if not receipt.sha256:
        raise _unvouched(path, "its receipt has no hash of it, as those of older versions")
    data = _bytes(path, receipt)
    if hashlib.sha256(data).hexdigest() != receipt.sha256:
        raise _unvouched(path, "it was changed after its run wrote it")
    return parsed(data, evidence, placeholders)


def parsed(data: bytes, evidence: Path, placeholders: SecretPlaceholders | None = None) -> Copy:
    """The copy that is written there, whoever wrote it: nothing of it may be carried out unseen. Raises Damaged."""
    try:
        told = json.loads(data.decode("utf-8"))
        revealed = placeholders.reveal(told["changes"]) if placeholders else told["changes"]
        changes = {entry: from_data(change) for entry, change in revealed.items()}
        if not _plain_name(told["run"]):
            raise Damaged(f"{told['run']!r} is no run's name")
        runner, guardian = from_data(told["runner"]), from_data(told["guardian"])
        if not all(isinstance(one, Process) for one in (runner, guardian)):
            raise Damaged("its run or guardian is no process")
        if not all(isinstance(change, Change) for change in changes.values()):
            raise Damaged("it holds something else than changes")
        return Copy(str(told["run"]), evidence, runner, guardian, changes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, BlackstartError) as error:
        raise Damaged(f"{evidence / NAME} can't be read: {error}") from error


def known(reports: Path) -> list[Path]:
    """The evidence folders with a copy, here and wherever a receipt says. Only `read` tells which are vouched for."""
    found = dict.fromkeys([*_known(), *(path.parent.resolve() for path in reports.glob(f"*/{NAME}"))])
    return [evidence for evidence in found if os.path.lexists(evidence / NAME)]


def vouched(reports: Path) -> list[Path]:
    """Those of them that have a receipt here, whether or not they can be read."""
    receipts = _known()
    return [evidence for evidence in known(reports) if evidence.resolve() in receipts]


def unvouched(reports: Path) -> list[str]:
    """A line for each copy there that is not carried out, since nobody vouches for it."""
    told = []
    for evidence in known(reports):
        try:
            read(evidence)
        except NotVouched as error:
            told.append(str(error))
        except Damaged:
            continue
    return told


def forget(evidence: Path, run: str) -> None:
    """Everything of this run is proved undone. Idempotent; a copy that can't be removed is only a copy too many."""
    mine = [receipt.path for receipt in (_known().get(evidence.resolve()),) if receipt and receipt.path.name == run]
    for path in (*mine, evidence / NAME):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _plain_name(run: object) -> bool:
    return isinstance(run, str) and run.isprintable() and run not in ("", ".", "..") and "/" not in run


def _unvouched(path: Path, why: str) -> NotVouched:
    told = f"NOT carried out: {path}, since {why}."
    return NotVouched(f"{told} If it is yours, look at it and mend with: chaos.heal --from {path.parent}")


def _known() -> dict[Path, _Receipt]:
    """The receipts by the folder that they are for. What is not this user's, or is no receipt, says nothing."""
    found = {}
    for path in _receipts().glob("[!.]*"):
        if path.is_symlink():  # as older versions made them
            found[path.resolve()] = _Receipt(path, path.resolve())
            continue
        try:
            if path.stat().st_uid != os.geteuid():
                continue
            told = json.loads(path.read_text(encoding="utf-8"))
            receipt = _Receipt(**{**told, "path": path, "evidence": Path(told["evidence"]).resolve()})
        except (OSError, ValueError, KeyError, TypeError):
            continue
        found[receipt.evidence] = receipt
    return found


def _bytes(path: Path, receipt: _Receipt) -> bytes:
    """What is in it, if it is a file and still belongs to whom it did: nothing that could be waited for for ever."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            there = os.fstat(handle)
            if not stat.S_ISREG(there.st_mode) or there.st_uid != receipt.owner:
                raise _unvouched(path, "it is not the file that its run wrote")
            return file.read()
    except OSError as error:
        if error.errno == errno.ELOOP:  # a link: no run writes one
            raise _unvouched(path, "it is not the file that its run wrote") from error
        raise Damaged(f"{path} can't be read: {error}") from error


def _receipts() -> Path:
    return state_dir() / "runs"


def _put(path: Path, text: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
