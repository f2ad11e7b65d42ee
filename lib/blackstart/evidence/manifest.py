"""`manifest.json`: every file of a run with its size and hash, and the hash of the bundle before it.

The file is canonical JSON (sorted keys, no spaces, UTF-8), byte for byte what is hashed: `sha256sum manifest.json`
gives the bundle's hash. It is written last. A bundle names the one sealed before it in the same reports folder, so that
a bundle that was altered, or taken out of the middle, shows in its successor. What says of it that it is so, signed
where there is a key, stands beside it (`attestation`).
"""

import errno
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeGuard

from blackstart.base import clock
from blackstart.base.errors import Damaged
from blackstart.evidence.folder import own_file

NAME = "manifest.json"
SCHEMA = "blackstart.bundle/3"
WITHOUT_STATEMENTS = "blackstart.bundle/2"  # bundles of old have no Statements beside them
WITHOUT_UNDO = "blackstart.bundle/1"  # those before say nothing of the copy of the undos either
# These go on after the bundle is sealed: the guardian's record and the operator's notes are chained in themselves; a
# healing keeps a record of its own, chained too. The copy of the undos goes when everything is proved undone.
GROWS = ("guardian.jsonl",)
UNDO = "undo.json"
PART = "manifest.part"  # while it is written; in a sealed folder nobody has left one
# What is made of the manifest: Statements on it, one a line, and each of them, signed, as a Sigstore bundle.
STATEMENTS = f"{NAME}.intoto.jsonl"
SIGSTORE = {kind: f"{NAME}.{kind}.sigstore.json" for kind in ("test-result", "verdict")}
ATTESTED = (STATEMENTS, *SIGSTORE.values())
APART = (NAME, "notes.jsonl", *ATTESTED)
HEALED = re.compile(r"heal(_\d+)?\.jsonl")
_LARGEST = 64 << 20
_KNOWN = (SCHEMA, WITHOUT_STATEMENTS, WITHOUT_UNDO)
_LOCK = ".chain.lock"
_LOCKED_WITHIN_S = 10.0
_BLOCK = 1 << 20


def canonical(data: Any) -> bytes:
    """The one form of this data that is hashed."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")


def sha256(path: Path, size: int | None = None) -> str:
    """The hash of a file, or of its first `size` bytes. Raises OSError."""
    made, left = hashlib.sha256(), size
    with open(path, "rb", opener=own_file) as file:
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
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    for name, path in sorted(found.items(), key=lambda item: place(item[0])):
        if name not in APART and not HEALED.fullmatch(name) and (path.is_symlink() or not path.is_dir()):
            yield name, path


def empty_folders(folder: Path) -> Iterator[str]:
    """The names of those below it that hold nothing, or nothing that can be read: no run writes one, and no manifest
    lists it."""
    for path in sorted(folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            try:
                empty = next(path.iterdir(), None) is None
            except OSError:
                empty = True
            if empty:
                yield path.relative_to(folder).as_posix()


def place(name: str) -> tuple[str, ...]:
    """By what the files of a manifest are sorted."""
    return tuple(name.split("/"))


def small(path: Path) -> bytes:
    """What is in a file that a run keeps small. Raises OSError, also where it is larger than any run writes it."""
    with open(path, "rb", opener=own_file) as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise OSError(errno.EFBIG, f"it has more than {_LARGEST >> 20} MB, and no run writes that")
    return data


def claims(head: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest says of what was run, and on what, from the first line of the journal: `spec`, the experiment as
    it stands there, with every probe bound to its target; `target`; `tested`, what the operator says was tested."""
    experiment, target, flags = (_table(head.get(name)) for name in ("experiment", "target", "flags"))
    given = head.get("spec")
    if isinstance(given, dict):
        spec = {key: str(given[key]) for key in ("name", "version", "sha256") if key in given}
    else:
        name = str(experiment.get("name", "unknown experiment"))
        spec = {"name": name, "version": str(head.get("version", "")), "sha256": _digest(head.get("experiment"))}
    return {
        "spec": spec,
        "target": {"name": str(target.get("name", "unknown target")), "sha256": _digest(head.get("target"))},
        "tested": [_tested(word) for word in str(flags.get("tested", "")).split(",") if word],
    }


def _table(data: Any) -> dict[str, Any]:
    return data if isinstance(data, dict) else {}


def _digest(data: Any) -> str:
    return hashlib.sha256(canonical(data)).hexdigest()


def _tested(word: str) -> dict[str, Any]:
    """`NAME@sha256:DIGEST` of an image, `NAME@COMMIT` of a commit, as the kinds of digests are called in in-toto."""
    name, _, digest = word.rpartition("@")
    kind, _, digits = digest.rpartition(":")
    return {"name": name, "digest": {kind or "gitCommit": digits}}


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a folder. Raises Damaged where there is none, or none that can be trusted to say what it says."""
    path = folder / NAME
    try:
        data = small(path)
    except OSError as error:
        raise Damaged(f"no {NAME} in {folder}: {error.strerror}") from error
    try:
        manifest = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{path} is not JSON: {error}") from error
    if not _well_formed(manifest):
        raise Damaged(f"{path} is not a manifest of the form {SCHEMA}")
    if canonical(manifest) != data:
        raise Damaged(f"{path} is not in the canonical form: it was edited")
    return manifest


def _well_formed(manifest: Any) -> TypeGuard[dict[str, Any]]:
    if not isinstance(manifest, dict) or manifest.get("schemaVersion") not in _KNOWN:
        return False
    files, chain = manifest.get("files"), manifest.get("chain")
    if not isinstance(files, list) or not isinstance(chain, dict):
        return False
    if not all(isinstance(manifest.get(key), str) for key in ("run", "bundleId", "generatedAt", "verdict", "reason")):
        return False
    made_of = {"spec": dict, **({"target": dict, "tested": list} if manifest["schemaVersion"] == SCHEMA else {})}
    if not all(isinstance(manifest.get(key), kind) for key, kind in made_of.items()):
        return False
    if not isinstance(chain.get("sequence"), int) or not {"previous", "previousSha256"} <= set(chain):
        return False
    if not isinstance(chain["previous"], str | None):
        return False
    kinds = {"path": str, "size": int, "sha256": str}
    return all(
        isinstance(entry, dict) and all(isinstance(entry.get(key), kind) for key, kind in kinds.items())
        for entry in files
    )


def seal(
    folder: Path,
    run: str,
    told: Mapping[str, Any],
    verdict: str,
    reasons: Sequence[str],
    attest: Callable[[Path, Mapping[str, Any]], object],
) -> dict[str, Any]:
    """Write the manifest, as the last file of the run. `told` is what `claims` says of it; `attest` is given the folder
    and the manifest, and writes what stands beside it before it is there.

    Raises OSError.
    """
    from filelock import FileLock  # noqa: PLC0415  (it loads asyncio: a tenth of a second, before the first reading)

    part = folder / PART
    part.unlink(missing_ok=True)  # of one who was killed while sealing
    files = [entry for name, path in files_of(folder) if (entry := _entry(name, path))]
    journal = next((entry["sha256"] for entry in files if entry["path"] == "journal.jsonl"), "")
    # One bundle is sealed at a time, so that no two name the same predecessor.
    with FileLock(folder.parent / _LOCK, _LOCKED_WITHIN_S, mode=0o644, fallback_to_soft=False):
        manifest = {
            "schemaVersion": SCHEMA,
            "bundleId": bundle_id(run, journal),
            "run": run,
            "generatedAt": clock.utc_iso(),
            **told,
            "verdict": verdict,
            "reason": "; ".join(reasons),
            "files": files,
            "chain": _link(folder),
        }
        with part.open("wb") as file:
            file.write(canonical(manifest))
            file.flush()
            os.fsync(file.fileno())
        attest(folder, manifest)
        part.rename(folder / NAME)
    return manifest


def bundle_id(run: str, journal: str) -> str:
    """What a bundle is called: its run's name, and how the SHA-256 of its journal begins."""
    return f"{run}-{journal[:12]}"


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
