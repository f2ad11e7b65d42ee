"""A run's evidence as one zip, the same byte for byte wherever it is made: stored, in order, of one time and mode.

Nothing is packed: another zlib packs in another way. So whoever gets one can make it anew of what is in it, and a byte
that was changed anywhere shows, also where no file has it. It comes from anywhere: what is not of exactly that form is
told by name, and nothing of it reaches the disk outside of a folder that is thrown away.
"""

import os
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from blackstart.base.errors import Damaged
from blackstart.evidence import manifest
from blackstart.evidence.folder import own_file

_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip can tell
_MODE = (stat.S_IFREG | 0o644) << 16
_BLOCK = 1 << 20
_BESIDES = ("notes.jsonl", manifest.NAME, *manifest.ATTESTED)


def pack(folder: Path, out: Path) -> str:
    """Write the zip of a run's folder, with the log beside it. Returns its SHA-256. Raises OSError; what was begun is
    taken away again."""
    part = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with part.open("wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as made:
            for name, path in _members(folder):
                _add(made, name, path)
        digest = manifest.sha256(part)
        part.rename(out)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return digest


def _members(folder: Path) -> list[tuple[str, Path]]:
    found = {os.path.normpath(f"{folder.name}/{name}"): path for name, path in manifest.files_of(folder)}
    beside = [folder / name for name in _BESIDES]
    beside += [path for path in folder.iterdir() if manifest.HEALED.fullmatch(path.name)]
    found |= {f"{folder.name}/{path.name}": path for path in beside if path.exists()}
    return sorted(found.items(), key=lambda item: manifest.place(item[0]))


def _add(made: zipfile.ZipFile, name: str, path: Path) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    with open(path, "rb", opener=own_file) as file:
        entry.create_system, entry.external_attr, entry.file_size = 3, _MODE, os.fstat(file.fileno()).st_size
        with made.open(entry, "w") as member:
            shutil.copyfileobj(file, member, _BLOCK)


def is_zip(path: Path) -> bool:
    """Whether it is a zip by its name or by how it begins: also one that was renamed, or cut off."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return path.suffix.lower() == ".zip" or file.read(4) == b"PK\x03\x04"


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The run's folder in a zip, as it was packed, for as long as the context lasts. Raises Damaged, which names the
    entry and what is wrong with it, where it is not what `pack` makes."""
    with tempfile.TemporaryDirectory(prefix="blackstart-bundle-") as made:
        place = Path(made)
        try:
            folder = place / _unpack(path, place)
            again = pack(folder, place / "again.zip")
        except Damaged:
            raise
        except Exception as error:  # there are many ways in which a zip can be none
            raise Damaged(f"{path} is damaged: {error}") from error
        if again != manifest.sha256(path.resolve()):  # the zip may be named by a link
            raise Damaged(f"{path} was altered: it is not what `report.bundle` makes of the files in it")
        yield folder


def _unpack(path: Path, place: Path) -> str:
    """Write what is in it below `place`; returns the name of the run's folder."""
    with path.open("rb") as file, zipfile.ZipFile(file) as bundle:
        entries = bundle.infolist()
        _refuse_hostile(path, entries)
        for entry in entries:
            there = place / entry.filename
            there.parent.mkdir(parents=True, exist_ok=True)
            with bundle.open(entry) as member, there.open("xb") as out:
                shutil.copyfileobj(member, out, _BLOCK)
    (name,) = {entry.filename.partition("/")[0] for entry in entries if "/" in entry.filename}
    return name


def _refuse_hostile(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Raise Damaged for what no bundle has, before anything of it is read. Entries together are no larger than the zip:
    what is stored twice over in the same bytes is larger."""
    names = set[str]()
    for entry in entries:
        parts = entry.filename.split("/")
        if "\\" in entry.filename or not entry.filename.isprintable() or {"", ".", ".."}.intersection(parts):
            raise _hostile(path, entry, "is not the name of a file in a bundle")
        if entry.external_attr != _MODE:
            raise _hostile(path, entry, "is a link, or no plain file")
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise _hostile(path, entry, "is packed or encrypted, and a bundle's files are stored as they are")
        if entry.filename.casefold() in names:
            raise _hostile(path, entry, "is there twice")
        names.add(entry.filename.casefold())
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise Damaged(f"{path}: its files are told to be larger than all of it; nothing of it was unpacked")
    folders = {entry.filename.partition("/")[0] for entry in entries if "/" in entry.filename}
    if len(folders) != 1 or not {name for name in names if "/" not in name} <= {f"{n}.log".casefold() for n in folders}:
        raise Damaged(f"{path}: holds {len(folders)} folders, or files beside the one; a bundle holds one run's")


def _hostile(path: Path, entry: zipfile.ZipInfo, why: str) -> Damaged:
    return Damaged(f"{path}: {entry.filename!r} {why}; nothing of it was unpacked")
