"""A guardian that is killed, or can not work; two runs at once; a disk that fills up: Redis runs again all the same."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.base.errors import Refused
from blackstart.safety.heal import heal
from blackstart.safety.ledger.ledger import Ledger
from tests.contract.guarded_run import SmallRun, hidden, restored, take_lock
from tests.processes import end, guardians
from tests.services import Supervised, connects, eventually, pings, supervised_redis
from tests.tiny_disk import fill, tiny_disk


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    with supervised_redis(tmp_path_factory.mktemp("supervised")) as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """A test that fails halfway must not leave its guardian to mend what is no longer there."""
    yield
    end(guardians())


# ---------------------------------------------------------------- the guardian dies, or can't work


def test_a_run_whose_guardian_is_killed_restores_by_itself_and_says_so(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path)
    run.wait_for("done")
    os.kill(run.guardian, signal.SIGKILL)
    assert "has died" in run.wait_for("problem")
    run.wait_for("end")
    assert pings(lab.port) and run.process.wait(timeout=10) == 0


def test_a_guardian_deaf_to_everything_but_sigkill(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path)
    run.wait_for("done")
    for signum in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
        os.kill(run.guardian, signum)
    run.kill()
    assert restored(run, lab.port)


def test_what_the_run_could_not_undo_its_guardian_goes_on_trying(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path)
    run.wait_for("done")
    with hidden(lab):
        run.go_on()
        run.wait_for("end")
        assert run.process.wait(timeout=10) == 50
        refused = SmallRun(lab, tmp_path)  # its target can't even be read
        refused.process.wait(timeout=20)
        with pytest.raises(Refused, match="in use by"):
            take_lock(lab)
        assert not connects(lab.port)
    assert restored(run, lab.port)
    take_lock(lab)


def test_what_heal_has_closed_its_guardian_leaves_alone(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path)
    run.wait_for("done")
    with hidden(lab):  # neither run nor guardian can mend it
        run.go_on()
        run.wait_for("end")
        assert run.process.wait(timeout=10) == 50
        guardian = run.guardian
        os.kill(guardian, signal.SIGSTOP)  # so that it is chaos.heal that mends it
    assert heal.heal(lambda text: None, tmp_path) == 0 and pings(lab.port)
    lab.ctl("stop", "redis")  # what somebody does on purpose afterwards
    try:
        os.kill(guardian, signal.SIGCONT)
        assert run.guardian_gone()
        assert not connects(lab.port)
        assert "closed by somebody else" in run.guarded()
    finally:
        lab.ctl("start", "redis")
    assert eventually(lambda: pings(lab.port))


# ---------------------------------------------------------------- two runs, full disks


def test_a_second_run_is_refused_while_the_first_one_holds(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path)
    run.wait_for("done")
    with pytest.raises(Refused, match=rf"in use by run small .*pid {run.process.pid}, user .*, since 2"):
        take_lock(lab)
    run.kill()
    assert restored(run, lab.port)


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """A disk of 400 kB."""
    with tiny_disk(tmp_path, "400k") as made:
        yield made


@pytest.mark.parametrize("word", ["evidence", "up", "doing", "done", "undoing"])
def test_a_disk_that_fills_up_at_any_step_stops_no_undo(
    lab: Supervised, tiny: Path, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLACKSTART_STATE", str(tiny / "state"))
    run = SmallRun(lab, tiny / "reports")
    if word == "undoing":
        run.go_on()
    run.wait_for(word)
    fill(tiny)
    if word in ("done", "undoing"):
        run.kill()
    else:
        run.go_on()
    run.process.wait(timeout=30)
    assert eventually(lambda: not guardians(), 20)
    assert eventually(lambda: pings(lab.port)), "".join(run.said)
    (tiny / "filler").unlink()
    heal.heal(lambda text: None, tiny / "reports")
    assert Ledger().outstanding() == []
