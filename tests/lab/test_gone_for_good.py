"""A drill whose target is gone for good: it ends with the lab, or by a person's word, and the next drill can start."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from blackstart.evidence import journal
from tests.lab.drills import drill, ledger
from tests.lab.lab_driver import LabDriver, eventually
from tests.lab.test_safety import Running


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[LabDriver]:
    driver = LabDriver(tmp_path / "state").up()
    yield driver
    driver.command("down")


def abandoned(lab: LabDriver, reports: Path) -> Running:
    """A run that was killed while it held Redis stopped, and whose supervisor was killed with it."""
    run = Running(lab, reports)
    supervisor = int((lab.folder / "supervisord.pid").read_text())
    os.kill(supervisor, signal.SIGKILL)
    assert eventually(lambda: not psutil.pid_exists(supervisor) or _zombie(supervisor), 10)
    run.kill()
    return run


def _zombie(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.slow
def test_a_lab_that_is_cleared_away_takes_what_was_broken_in_it_along(lab: LabDriver, tmp_path: Path) -> None:
    run = abandoned(lab, tmp_path / "first")
    guarded = run.evidence / "guardian.jsonl"
    assert eventually(lambda: journal.read(guarded).of("undo"), 30)
    lab.up()
    assert eventually(lambda: not ledger(lab.state), 90)
    assert eventually(lambda: journal.read(guarded).of("end"), 10)
    told = journal.read(guarded)
    assert "brought up anew" in told.of("gone with its lab")[0]["proof"]
    assert "nothing is left to mend of stop redis" in told.of("end")[0]["how"]
    following = drill("chaos.leader-lock", lab.state, tmp_path / "next")
    assert following.code in (0, 20, 30), following.output


def test_what_nothing_can_mend_is_given_up_by_a_person_and_frees_the_next_drill(lab: LabDriver, tmp_path: Path) -> None:
    run = abandoned(lab, tmp_path / "first")
    guarded = run.evidence / "guardian.jsonl"
    name = run.evidence.name
    assert eventually(lambda: any("Trying again" in one["message"] for one in journal.read(guarded).of("alert")), 60)
    guardian = int(json.loads(ledger(lab.state)[0]["guardian"])["pid"])
    os.kill(guardian, signal.SIGTERM)
    assert eventually(lambda: any("SIGTERM" in one["message"] for one in journal.read(guarded).of("alert")), 90)
    assert psutil.pid_exists(guardian)
    healed = drill("chaos.heal", lab.state, tmp_path / "first")
    assert healed.code == 50 and f"chaos.heal --forget {name} --reason 'WHY'" in healed.output
    assert healed.output.splitlines()[-1].endswith("chaos.heal")
    assert "the same ×" in healed.output and healed.output.count("undo failed") == 1, healed.output
    refused = drill("chaos.heal", lab.state, tmp_path / "first", "--forget", name)
    assert refused.code == 40 and "needs a reason" in refused.output and ledger(lab.state)
    given_up = drill("chaos.heal", lab.state, tmp_path / "first", "--forget", name, "--reason", "its host burnt")
    assert given_up.code == 0 and "has ended, and its locks are free" in given_up.output, given_up.output
    assert not ledger(lab.state) and journal.read(guarded).of("given up")
    assert drill("report.judge", lab.state, tmp_path / "first").code == 50
    assert drill("report.verify", lab.state, tmp_path / "first").code == 30  # it was killed before it was sealed
    lab.up()
    following = drill("chaos.leader-lock", lab.state, tmp_path / "next")
    assert following.code in (0, 20, 30), following.output
