"""`manifest.json`: every file of a run with its size and hash, and the hash of the bundle before it.

The file is canonical JSON (sorted keys, no spaces, UTF-8), byte for byte what is hashed: `sha256sum manifest.json`
gives the bundle's hash. It is written last. A bundle names the one sealed before it in the same reports folder, so that
a bundle that was altered, or taken out of the middle, shows in its successor.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeGuard

from blackstart.base import clock
from blackstart.base.errors import Damaged

NAME = "manifest.json"
SCHEMA = "blackstart.bundle/2"
WITHOUT_UNDO = "blackstart.bundle/1"  # bundles of old say nothing of the copy of the undos
# These go on after the bundle is sealed: the guardian's record and the operator's notes are chained in themselves; a
# healing keeps a record of its own, chained too. The copy of the undos goes when everything is proved undone.
GROWS = ("guardian.jsonl",)
UNDO = "undo.json"
APART = (NAME, "manifest.part", "notes.jsonl", "undo.part")
HEALED = re.compile(r"heal(_\d+)?\.jsonl")
_LOCK = ".chain.lock"
_LOCKED_WITHIN_S = 10.0
_BLOCK = 1 << 20


def canonical(data: Any) -> bytes:
    """The one form of this data that is hashed."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def sha256(path: Path, size: int | None = None) -> str:
    """The hash of a file, or of its first `size` bytes. Raises OSError."""
    made, left = hashlib.sha256(), size
    with path.open("rb") as file:
        while left is None or left > 0:
            block = file.read(_BLOCK if left is None else min(_BLOCK, left))
            if not block:
                break
            made.update(block)
            left = None if left is None else left - len(block)
    return made.hexdigest()


def files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """(name in the manifest, path) of everything that a manifest lists: the folder, and the CSV log beside it."""
    log = folder.with_name(f"{folder.name}.log")
    if log.exists():
        yield f"../{log.name}", log
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name not in APART and not HEALED.fullmatch(name) and (path.is_symlink() or not path.is_dir()):
            yield name, path


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a folder. Raises Damaged where there is none, or none that can be trusted to say what it says."""
    path = folder / NAME
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Damaged(f"no {NAME} in {folder}: {error.strerror}") from error
    try:
        manifest = json.loads(data)
    except ValueError as error:
        raise Damaged(f"{path} is not JSON: {error}") from error
    if not _well_formed(manifest):
        raise Damaged(f"{path} is not a manifest of the form {SCHEMA}")
    if canonical(manifest) != data:
        raise Damaged(f"{path} is not in the canonical form: it was edited")
    return manifest


def _well_formed(manifest: Any) -> TypeGuard[dict[str, Any]]:
    if not isinstance(manifest, dict) or manifest.get("schemaVersion") not in (SCHEMA, WITHOUT_UNDO):
        return False
    files, chain = manifest.get("files"), manifest.get("chain")
    if not isinstance(files, list) or not isinstance(chain, dict) or not isinstance(manifest.get("run"), str):
        return False
    if not isinstance(chain.get("sequence"), int) or not {"previous", "previousSha256"} <= set(chain):
        return False
    kinds = {"path": str, "size": int, "sha256": str}
    return all(
        isinstance(entry, dict) and all(isinstance(entry.get(key), kind) for key, kind in kinds.items())
        for entry in files
    )


def seal(folder: Path, run: str, spec: Mapping[str, str], verdict: str, reasons: Sequence[str]) -> dict[str, Any]:
    """Write the manifest, as the last file of the run. `spec` is the name, version and sha256 of what was run.

    Raises OSError.
    """
    from filelock import FileLock  # noqa: PLC0415  (it loads asyncio: a tenth of a second, before the first reading)

    files = [entry for name, path in files_of(folder) if (entry := _entry(name, path))]
    journal = next((entry["sha256"] for entry in files if entry["path"] == "journal.jsonl"), "")
    # One bundle is sealed at a time, so that no two name the same predecessor.
    with FileLock(folder.parent / _LOCK, _LOCKED_WITHIN_S, mode=0o644, fallback_to_soft=False):
        manifest = {
            "schemaVersion": SCHEMA,
            "bundleId": f"{run}-{journal[:12]}",
            "run": run,
            "generatedAt": clock.utc_iso(),
            "spec": dict(spec),
            "verdict": verdict,
            "reason": "; ".join(reasons),
            "files": files,
            "chain": _link(folder),
        }
        part = folder / "manifest.part"
        with part.open("wb") as file:
            file.write(canonical(manifest))
            file.flush()
            os.fsync(file.fileno())
        part.rename(folder / NAME)
    return manifest


def _entry(name: str, path: Path) -> dict[str, Any]:
    """Empty for a copy of the undos that a guardian has just removed."""
    try:
        # The size is taken first: a file that grows meanwhile is listed with what it had.
        size = path.stat().st_size
        entry = {"path": name, "size": size, "sha256": sha256(path, size)}
    except FileNotFoundError:
        if name == UNDO:
            return {}
        raise
    return {**entry, "grows": True} if name in GROWS else entry


def _link(folder: Path) -> dict[str, Any]:
    """The chain field: this bundle's place, and the name and hash of the one before it."""
    sealed = bundles(folder.parent)
    sealed.pop(folder, None)
    if not sealed:
        return {"sequence": 1, "previous": None, "previousSha256": None}
    last, manifest = max(sealed.items(), key=lambda item: (item[1]["chain"]["sequence"], item[0].name))
    return {
        "sequence": manifest["chain"]["sequence"] + 1,
        "previous": manifest["run"],
        "previousSha256": sha256(last / NAME),
    }


def bundles(reports: Path) -> dict[Path, dict[str, Any]]:
    """Every sealed bundle in a reports folder that can be read, by its folder."""
    found: dict[Path, dict[str, Any]] = {}
    for path in sorted(reports.glob(f"*/{NAME}")):
        # One that is damaged can't be built upon; whoever verifies says so.
        with suppress(Damaged):
            found[path.parent] = read(path.parent)
    return found
