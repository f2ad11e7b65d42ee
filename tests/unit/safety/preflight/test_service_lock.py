"""One run at a time on a system: seen by every user, let go of by death, and taken in one order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.base.errors import Refused
from blackstart.safety.preflight import service_lock
from blackstart.safety.preflight.service_lock import Locks, lock_dir
from tests.requirements import require


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "locks"
    monkeypatch.setenv("BLACKSTART_LOCKS", str(path))
    return path


HOLDER = """
import sys, time
from blackstart.safety.preflight.service_lock import Locks
locks = Locks(sys.argv[1:])
locks.take("drill_1", "trader")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, "docker:redis"],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stdin is not None
    assert child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()


def test_a_system_in_use_is_refused_and_its_holder_is_named(holder: subprocess.Popen[str]) -> None:
    with pytest.raises(Refused, match=rf"docker:redis is in use by run drill_1 \(trader, pid {holder.pid}, user"):
        Locks(["docker:redis"]).take("drill_2", "trader")


def test_a_killed_holder_holds_nothing(holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    locks = Locks(["docker:redis"])
    locks.take("drill_2", "trader")
    locks.release()


def test_all_are_taken_or_none(holder: subprocess.Popen[str]) -> None:
    with pytest.raises(Refused):
        Locks(["api", "docker:redis", "zebra"]).take("drill_2", "trader")
    free = Locks(["api", "zebra"])
    free.take("drill_3", "trader")
    free.release()


def test_another_system_is_free(holder: subprocess.Popen[str]) -> None:
    other = Locks(["docker:postgres"])
    other.take("drill_2", "trader")
    other.release()


def test_two_runs_of_one_process_exclude_each_other_too() -> None:
    first, second = Locks(["x"]), Locks(["x"])
    first.take("one", "trader")
    with pytest.raises(Refused, match="run one"):
        second.take("two", "trader")
    first.release()
    second.take("two", "trader")
    second.release()
    second.release()


def test_identities_are_taken_once_and_in_one_order() -> None:
    assert Locks(["b", "a", "b"]).identities == ("a", "b")


def test_a_lock_file_can_be_used_by_everybody(folder: Path) -> None:
    locks = Locks(["x"])
    locks.take("one", "trader")
    (path,) = folder.glob("*.lock")
    assert path.stat().st_mode & 0o777 == 0o666
    assert folder.stat().st_mode & 0o7777 == 0o1777
    locks.release()


def test_a_holder_that_says_nonsense_is_another_run(folder: Path) -> None:
    first = Locks(["x"])
    first.take("one", "trader")
    for text in ("", "[]", '{"run": 1}', "\x00"):
        next(folder.glob("*.lock")).write_text(text)
        with pytest.raises(Refused, match="another run"):
            Locks(["x"]).take("two", "trader")
    first.release()


def test_a_text_that_cannot_be_written_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int, data: bytes, offset: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(service_lock.os, "pwrite", full)
    locks = Locks(["x"])
    locks.take("one", "trader")
    with pytest.raises(Refused, match="another run"):
        Locks(["x"]).take("two", "trader")
    locks.release()


def test_a_link_in_place_of_a_lock_is_refused_not_followed(folder: Path, tmp_path: Path) -> None:
    path = service_lock.path_of("x")
    precious = tmp_path / "precious"
    precious.write_text("keep me")
    path.symlink_to(precious)
    with pytest.raises(Refused):
        Locks(["x"]).take("two", "trader")
    assert precious.read_text() == "keep me"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BLACKSTART_LOCKS", str(tmp_path / "file" / "locks"))
    with pytest.raises(Refused, match="lock folder"):
        Locks(["x"]).take("one", "trader")


def test_users_with_a_tmpdir_of_their_own_share_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BLACKSTART_LOCKS")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert lock_dir() == Path("/tmp/blackstart-locks")


def test_a_link_in_place_of_the_folder_is_refused_and_what_it_leads_to_keeps_its_mode(
    folder: Path, tmp_path: Path
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    for leads_to in (private, tmp_path / "nowhere"):
        folder.unlink(missing_ok=True)
        folder.symlink_to(leads_to)
        with pytest.raises(Refused, match="lock folder .* is a link, which may be anybody's. Remove it"):
            Locks(["x"]).take("one", "trader")
        with pytest.raises(Refused, match="is a link"):
            service_lock.refuse_held(["x"])
    assert private.stat().st_mode & 0o7777 == 0o700 and list(private.iterdir()) == []
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_of_the_users_own_choice_keeps_its_mode(folder: Path) -> None:
    folder.mkdir(mode=0o750)
    locks = Locks(["x"])
    locks.take("one", "trader")
    locks.release()
    assert folder.stat().st_mode & 0o7777 == 0o750


def test_a_folder_out_of_which_anybody_may_take_locks_is_refused(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(Refused, match=r"anybody may take locks out of .*chmod \+t"):
        Locks(["x"]).take("one", "trader")
    assert list(folder.iterdir()) == []


def test_root_takes_over_the_shared_folder_that_another_user_has_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    require("root")
    monkeypatch.delenv("BLACKSTART_LOCKS")
    shared = tmp_path / "shared"
    shared.mkdir()
    theirs = shared / "blackstart-locks"
    theirs.mkdir(mode=0o755)
    (theirs / "kept.lock").touch()
    os.chown(theirs, 12_345, 12_345)
    monkeypatch.setattr(os, "access", lambda *_: False)  # no /tmp here: the folder for temporary files instead
    monkeypatch.setattr(tempfile, "tempdir", str(shared))
    assert lock_dir() == theirs
    found = theirs.stat()
    assert (found.st_uid, found.st_mode & 0o7777) == (0, 0o1777)
    assert (theirs / "kept.lock").exists()


@pytest.mark.parametrize("planted", ["link", "dangling", "pipe", "folder", "second name"])
def test_what_is_planted_in_place_of_a_lock_is_refused_at_once_and_kept(
    folder: Path, tmp_path: Path, planted: str
) -> None:
    precious = tmp_path / "precious"
    precious.write_text("keep me")
    path = service_lock.path_of("x")
    match planted:
        case "link":
            path.symlink_to(precious)
        case "dangling":
            path.symlink_to(tmp_path / "nowhere")
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "second name":
            path.hardlink_to(precious)
    for look in (lambda: Locks(["x"]).take("two", "trader"), lambda: service_lock.refuse_held(["x"])):
        with pytest.raises(Refused, match=rf"the lock {path} .*Remove"):
            look()
    assert precious.read_text() == "keep me" and not (tmp_path / "nowhere").exists()


def test_a_lock_that_is_cleaned_away_while_it_is_taken_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, locked = [], service_lock.fcntl.flock

    def cleaned(handle: int, kind: int) -> None:
        locked(handle, kind)
        if not taken:
            service_lock.path_of("x").unlink()
        taken.append(handle)

    monkeypatch.setattr(service_lock.fcntl, "flock", cleaned)
    locks = Locks(["x"])
    locks.take("one", "trader")
    assert len(taken) == 2
    with pytest.raises(Refused, match="run one"):
        Locks(["x"]).take("two", "trader")
    locks.release()


def test_a_lock_that_nobody_holds_any_more_leaves_no_file(folder: Path) -> None:
    locks, heirs = Locks(["x", "y"]), []
    for _ in range(2):
        locks.take("one", "trader")
        heirs.append(os.dup(locks.handles()[0]))  # as a guardian has it
        locks.release()
        assert list(folder.iterdir()) == [service_lock.path_of("x")]
        with pytest.raises(Refused, match="x is in use by run one"):
            Locks(["x"]).take("two", "trader")
        os.close(heirs.pop())
    locks.take("three", "trader")
    locks.release()
    assert not list(folder.iterdir())


def test_locks_that_are_taken_and_let_go_at_once_are_never_held_twice(folder: Path) -> None:
    inside, most, taken, told = [0], [0], [0], set[str]()

    def run() -> None:
        mine = 0
        while mine < 50:
            locks = Locks(["x"])
            try:
                locks.take("one", "trader")
            except Refused as refusal:
                told.add(str(refusal).partition(" in use by ")[0])
            else:
                inside[0] += 1
                most[0], mine = max(most[0], inside[0]), mine + 1
                time.sleep(0)
                inside[0] -= 1
                locks.release()
        taken[0] += mine

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (most[0], taken[0]) == (1, 200)
    assert told <= {"Not started: x is"}
    assert not list(folder.iterdir())
