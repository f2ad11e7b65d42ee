"""A disk that is really full: a real Redis can't write to it, and everything is as before when the file is gone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.base.codec import from_data, to_data
from blackstart.base.errors import Refused, StepFailed
from blackstart.faults.disk_full import DiskFull
from blackstart.model.change import Change
from blackstart.safety.heal.restore import is_gone, restore
from blackstart.safety.preflight.rehearsal import rehearse
from tests.services import Supervised, by_shell, carry_out, eventually, so, supervised_redis
from tests.tiny_disk import tiny_disk


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    with supervised_redis(tmp_path_factory.mktemp("full")) as made:
        yield made


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with tiny_disk(tmp_path, "16m") as made:
        yield made


def planned(lab: Supervised, disk: Path) -> Change:
    (change,) = DiskFull("redis", str(disk), margin_mb=1).plan(lab.target())
    again = from_data(json.loads(json.dumps(to_data(change))))
    assert isinstance(again, Change) and again == change
    return again


def takes(disk: Path, size: int) -> bool:
    try:
        (disk / "data").write_bytes(b"x" * size)
    except OSError:
        return False
    finally:
        (disk / "data").unlink(missing_ok=True)
    return True


@pytest.mark.root
@pytest.mark.parametrize("tool", ["fallocate", "dd"])
def test_it_is_full_up_to_the_margin_and_empty_again(
    lab: Supervised, disk: Path, tool: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if tool == "dd":
        (tmp_path / "fallocate").write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / "fallocate").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    (disk / "kept").write_text("theirs")
    change = planned(lab, disk)
    rehearse([change])
    assert [one.name for one in disk.iterdir()] == ["kept"]
    carry_out(change.do)
    assert eventually(lambda: so(change.bites)), [str(one) for one in change.bites]
    assert not is_gone(change) and takes(disk, 256 * 1024) and not takes(disk, 4 * 1024 * 1024)
    by_shell(change.undo)
    by_shell(change.undo)
    assert restore(change, print, 10)
    assert [one.name for one in disk.iterdir()] == ["kept"] and takes(disk, 4 * 1024 * 1024)


@pytest.mark.root
def test_a_link_in_the_files_place_is_not_followed(lab: Supervised, disk: Path, tmp_path: Path) -> None:
    change = planned(lab, disk)
    theirs = tmp_path / "theirs"
    theirs.write_text("precious")
    Path(change.undo[0].argv[-1]).symlink_to(theirs)  # type: ignore[union-attr]
    with pytest.raises(StepFailed):
        carry_out(change.do)
    assert theirs.read_text() == "precious"


@pytest.mark.root
def test_what_must_not_be_filled_is_refused(
    lab: Supervised, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="has 16 MB left, hardly more than the margin of 64 MB"):
        DiskFull("redis", str(disk)).plan(lab.target())
    with pytest.raises(Refused, match="is no folder of this machine"):
        DiskFull("redis", str(disk / "none")).plan(lab.target())
    with pytest.raises(ValueError, match="margin_mb must be above 0"):
        DiskFull("redis", str(disk), 0)
    for kept in ("BLACKSTART_STATE", "BLACKSTART_LOCKS", ""):
        with monkeypatch.context() as context:
            if kept:
                (disk / kept).mkdir()
                context.setenv(kept, str(disk / kept))
            else:
                context.chdir(disk)
            with pytest.raises(Refused, match=r"Not started: the .*folder.* is on the file system of .*no record"):
                planned(lab, disk)


@pytest.mark.root
def test_the_machines_memory_is_not_filled_by_way_of_a_disk_in_it(lab: Supervised, tmp_path: Path) -> None:
    with tiny_disk(tmp_path, "200%") as disk, pytest.raises(Refused, match=r"in the memory: .* and 512 MB must stay"):
        planned(lab, disk)


def test_the_roots_file_system_is_refused_unless_it_is_allowed_by_name(lab: Supervised) -> None:
    with pytest.raises(Refused, match='is on the root\'s file system, .* allow it by name: --allow "/"'):
        DiskFull("redis", "/").plan(lab.target())
