"""One zip of a run: the same wherever it is made, every byte of it accounted for, and nothing hostile is unpacked."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from blackstart.base.errors import Damaged
from blackstart.evidence import archive, manifest, notes, verify
from tests.unit.evidence.bundles import NAME, key, sealed


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reports folder with one signed run."""
    place = tmp_path_factory.mktemp("made")
    sealed(place / "reports", key(place))
    return place / "reports"


@pytest.fixture
def zipped(made: Path, tmp_path: Path) -> Path:
    archive.pack(made / NAME, tmp_path / "run.zip")
    return tmp_path / "run.zip"


def test_it_is_the_same_byte_for_byte_whoever_makes_it_and_when(made: Path, zipped: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    for path in sorted(made.rglob("*"), reverse=True):  # made in another order, at another time, with other rights
        if path.is_file() and not path.name.startswith("."):
            there = other / path.relative_to(made)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, there)
            there.chmod(0o444)
            os.utime(there, (1e9, 1e9))
    digest = archive.pack(other / NAME, tmp_path / "other.zip")
    assert (tmp_path / "other.zip").read_bytes() == zipped.read_bytes()
    assert digest == manifest.sha256(zipped)
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_it_holds_the_whole_bundle_and_can_be_verified(made: Path, zipped: Path) -> None:
    with zipfile.ZipFile(zipped) as bundle:
        names = bundle.namelist()
    assert {f"{NAME}.log", *(f"{NAME}/{name}" for name in (*manifest.ATTESTED, "manifest.json", "journal.jsonl"))} <= {
        *names
    }
    with archive.unpacked(zipped) as folder:
        assert verify.exit_code(verify.verify(folder)) == 0
    assert not folder.exists()


def test_what_was_added_after_the_run_is_in_it(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path / "reports")
    notes.append(tmp_path / "reports" / NAME, "Redis was slow")
    archive.pack(tmp_path / "reports" / NAME, tmp_path / "run.zip")
    with archive.unpacked(tmp_path / "run.zip") as folder:
        assert notes.read(folder).lines()[0][1] == "Redis was slow"


@pytest.mark.parametrize("name", ["notes.jsonl", "HEAL.sh", "more", f"../{NAME}.log"])
@pytest.mark.parametrize("what", ["pipe", "link"])
def test_what_is_no_file_of_the_run_is_not_packed(made: Path, tmp_path: Path, name: str, what: str) -> None:
    folder = shutil.copytree(made, tmp_path / "reports") / NAME
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name) if what == "pipe" else (folder / name).symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="it is no file" if what == "pipe" else "it is a link"):
        archive.pack(folder, tmp_path / "run.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


def test_a_zip_may_be_named_by_a_link(zipped: Path, tmp_path: Path) -> None:
    (tmp_path / "link.zip").symlink_to(zipped)
    with archive.unpacked(tmp_path / "link.zip") as folder:
        assert verify.exit_code(verify.verify(folder)) == 0


def test_one_byte_changed_anywhere_in_it_is_told(zipped: Path) -> None:
    before = zipped.read_bytes()
    for at in {0, len(before) - 1, *range(0, len(before), len(before) // 120)}:
        data = bytearray(before)
        data[at] ^= 1
        zipped.write_bytes(bytes(data))
        with pytest.raises(Damaged, match="run.zip"), archive.unpacked(zipped):
            pass
    zipped.write_bytes(before + b"x")
    with pytest.raises(Damaged, match="run.zip"), archive.unpacked(zipped):
        pass


def entry(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.create_system, made.external_attr = 3, mode << 16
    return made


def packed(bundle: zipfile.ZipFile) -> None:
    bundle.writestr(entry(f"{NAME}/zeros"), b"\0" * 10_000_000, zipfile.ZIP_DEFLATED)


HOSTILE: dict[str, tuple[Callable[[zipfile.ZipFile], object], str]] = {
    "a way out": (lambda z: z.writestr(entry(f"{NAME}/../../x"), "x"), r"'.*/\.\./\.\./x' is not the name"),
    "a place of its own": (lambda z: z.writestr(entry("/etc/x"), "x"), "'/etc/x' is not the name"),
    "a backslash": (lambda z: z.writestr(entry(f"{NAME}/..\\x"), "x"), "is not the name"),
    "a control character": (lambda z: z.writestr(entry(f"{NAME}/\x1b[2Jx"), "x"), "is not the name"),
    "a link": (lambda z: z.writestr(entry(f"{NAME}/x", stat.S_IFLNK | 0o777), "/etc/passwd"), "/x' is a link"),
    "a folder": (lambda z: z.writestr(entry(f"{NAME}/x/", stat.S_IFDIR | 0o755), ""), "is not the name"),
    "a program": (lambda z: z.writestr(entry(f"{NAME}/x", stat.S_IFREG | 0o6755), ""), "is a link, or no plain file"),
    "what is huge when unpacked": (packed, "zeros' is packed"),
    "a file twice": (lambda z: z.writestr(entry(f"{NAME}/JUNIT.xml"), "x"), "is there twice"),
    "a second run": (lambda z: z.writestr(entry("other/x"), "x"), "holds 2 folders"),
    "a file beside it": (lambda z: z.writestr(entry("other.log"), "x"), "or files beside the one"),
    "a file below a file": (lambda z: z.writestr(entry(f"{NAME}/junit.xml/x"), "x"), "run.zip is damaged"),
    "a file that it would have made otherwise": (lambda z: z.writestr(entry(f"{NAME}/undo.part"), "x"), "was altered"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_hostile_is_refused_by_name(zipped: Path, what: str) -> None:
    add, told = HOSTILE[what]
    with zipfile.ZipFile(zipped, "a") as bundle:
        add(bundle)
    with pytest.raises(Damaged, match=told), archive.unpacked(zipped):
        pass
    assert sorted(path.name for path in zipped.parent.iterdir()) == ["run.zip"]


def test_files_that_share_their_bytes_are_no_larger_than_the_zip(zipped: Path) -> None:
    """As in a zip that is small and unpacks to any size."""
    with zipfile.ZipFile(zipped, "a") as bundle:
        (large,) = (one for one in bundle.infolist() if one.filename.endswith("/journal.jsonl"))
        for number in range(50):
            twin = entry(f"{NAME}/{number}")
            twin.header_offset, twin.CRC = large.header_offset, large.CRC
            twin.file_size = twin.compress_size = large.file_size
            bundle.filelist.append(twin)
            bundle.NameToInfo[twin.filename] = twin
        bundle._didModify = True
    with pytest.raises(Damaged, match="told to be larger than all of it"), archive.unpacked(zipped):
        pass


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + b"\0" * 18, b"x" * 1000])
def test_what_is_no_zip_is_told(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "run.zip").write_bytes(data)
    with pytest.raises(Damaged, match="run.zip"), archive.unpacked(tmp_path / "run.zip"):
        pass
