"""The runner's side of the guardian, in this very process; and the locks that it inherits."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from blackstart.base.errors import Refused
from blackstart.evidence import folder, journal
from blackstart.evidence.folder import Folder
from blackstart.safety.guardian.client import Guardian
from blackstart.safety.ledger import undo_copies
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.preflight.service_lock import Locks, path_of, refuse_held
from tests.services import eventually
from tests.unit.safety.file_fault import without


@pytest.fixture
def evidence(tmp_path: Path) -> Folder:
    return folder.make(str(tmp_path / "reports"), "small", undo_copies.claim)


def up(evidence: Folder, tmp_path: Path, lease_s: float = 10.0) -> Guardian:
    (tmp_path / "a").touch()
    guardian = Guardian(evidence, (without(tmp_path / "a"),), lease_s)
    guardian.start()
    guardian.wait_up()
    return guardian


def test_a_run_without_changes_needs_no_guardian(evidence: Folder) -> None:
    guardian = Guardian(evidence, ())
    guardian.start()
    guardian.wait_up()
    guardian.release(keep=False)
    assert guardian.problem() == "" and not (evidence.path / "guardian.jsonl").exists()


def test_it_is_up_with_its_copy_written_and_gone_when_released(evidence: Folder, tmp_path: Path) -> None:
    guardian = up(evidence, tmp_path)
    assert guardian.process and guardian.process.alive() and guardian.problem() == ""
    assert (evidence.path / "undo.json").exists()
    guardian.release(keep=False)
    process = guardian.process
    assert not guardian.goes_on  # nothing is broken
    assert eventually(lambda: not process.alive(), 20) and guardian.problem() == ""
    assert not (evidence.path / "undo.json").exists()
    assert [event["event"] for event in journal.read(evidence.path / "guardian.jsonl").events] == ["guarding", "end"]


def test_one_that_cannot_write_its_copy_refuses_the_run_with_the_reason(evidence: Folder, tmp_path: Path) -> None:
    shutil.rmtree(evidence.path)
    with pytest.raises(
        Refused, match=r"Not started: the guardian can't do its work: FileNotFoundError.*guardian\.jsonl"
    ):
        up(evidence, tmp_path)


def test_one_that_dies_at_its_start_refuses_the_run_with_its_last_words(
    evidence: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'no such interpreter' >&2\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(Refused, match="it died: no such interpreter"):
        up(evidence, tmp_path)


def test_its_death_is_a_problem_within_a_moment(evidence: Folder, tmp_path: Path) -> None:
    guardian = up(evidence, tmp_path)
    assert guardian.process
    os.kill(guardian.process.pid, signal.SIGKILL)
    assert eventually(lambda: "has died" in guardian.problem(), 20)
    guardian.release(keep=False)


def test_one_that_is_stopped_is_a_problem_too(evidence: Folder, tmp_path: Path) -> None:
    guardian = up(evidence, tmp_path, lease_s=1.5)
    assert guardian.process
    os.kill(guardian.process.pid, signal.SIGSTOP)
    try:
        assert eventually(lambda: "does not answer" in guardian.problem(), 20)
    finally:
        os.kill(guardian.process.pid, signal.SIGCONT)
        guardian.release(keep=False)


def test_kept_it_goes_on_trying_while_the_run_ends_and_closes_the_ledger(evidence: Folder, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    change = without(tmp_path / "a", undo=f"[ -e {gate} ] && touch {{}}")
    guardian = Guardian(evidence, (change,))
    guardian.start()
    guardian.wait_up()
    ledger = Ledger(tell=guardian.tell)
    entry = f"{evidence.run}#0"
    ledger.intend(
        entry_id=entry,
        run=evidence.run,
        experiment="e",
        target="t",
        change=change,
        evidence=evidence.path,
        lease_s=60.0,
    )
    ledger.mark(entry, "undoing")
    began_s = time.monotonic()
    guardian.release(keep=True)
    assert time.monotonic() - began_s < 10  # it does not wait for what can't be mended yet
    assert guardian.goes_on
    gate.touch()
    assert eventually((tmp_path / "a").exists, 40)
    process = guardian.process
    assert process and eventually(lambda: not process.alive(), 20) and ledger.outstanding() == []
    assert not guardian.goes_on


def test_a_lock_is_held_as_long_as_anybody_has_inherited_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLACKSTART_LOCKS", str(tmp_path / "locks"))
    first, second = Locks(["a", "b"]), Locks(["b"])
    first.take("first", "test")
    heir = subprocess.Popen(["sleep", "60"], pass_fds=first.handles())
    first.release()
    with pytest.raises(Refused, match=r"b is in use by run first \(test, pid"):
        second.take("second", "test")
    with pytest.raises(Refused, match="b is in use by run first"):
        refuse_held(["b", "c"])
    heir.kill()
    heir.wait(timeout=5)
    refuse_held(["b", "c"])
    second.take("second", "test")
    second.release()


def test_a_lock_whose_taker_is_dead_is_its_guardians(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLACKSTART_LOCKS", str(tmp_path / "locks"))
    first = Locks(["a"])
    first.take("first", "test")
    path = path_of("a")
    path.write_text(path.read_text().replace(f'"pid": {os.getpid()}', '"pid": 4194303'))
    with pytest.raises(
        Refused, match=r"a guardian, which still restores .* a dead run .*: run first \(test, pid 4194303"
    ):
        Locks(["a"]).take("second", "test")
    threading.Timer(0.5, first.release).start()
    refuse_held(["a"])  # waits until the guardian has restored
    Locks(["a"]).take("second", "test")
    path.write_text("rubbish")
    with pytest.raises(Refused, match="in use by another run"):
        refuse_held(["a"])
