"""Real drills against a real lab: two at once, killed ones, and the start after them."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.drills import ROOT, Drill, command, drill, environment, ledger
from tests.lab.lab_driver import LabDriver, eventually
from tests.processes import guardians
from tests.services import pings


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabDriver]:
    driver = LabDriver(tmp_path_factory.mktemp("lab") / "state").up()
    yield driver
    driver.command("down")


class Running:
    """A leader-lock drill that has stopped Redis and holds it."""

    def __init__(self, lab: LabDriver, reports: Path, hold_s: int = 60) -> None:
        self.out, self.state = reports.parent / f"{reports.name}.out", lab.state
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                command("chaos.leader-lock", f"--hold={hold_s}"), cwd=ROOT, env=environment(lab.state, reports),
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        assert eventually(lambda: "the fault bites" in self.out.read_text(), 40), self.out.read_text()
        (self.evidence,) = (path for path in reports.iterdir() if path.is_dir())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=10)

    def kill_with_guardian(self) -> None:
        (guardian,) = guardians(self.state, self.evidence.name)
        self.process.send_signal(signal.SIGSTOP)  # it must not see its guardian's death, and restore
        os.kill(guardian, signal.SIGKILL)
        self.kill()


def port(lab: LabDriver) -> int:
    return int(lab.target["services"]["redis"]["address"].rpartition(":")[2])


def test_a_second_run_and_heal_leave_alone_what_the_first_one_holds(lab: LabDriver, tmp_path: Path) -> None:
    first = Running(lab, tmp_path / "first")
    try:
        second = drill("chaos.leader-lock", lab.state, tmp_path / "second")
        assert second.code == 40
        assert re.search(
            rf"in use by run leader-lock \(trader, pid {first.process.pid}, user .*, since 20", second.output
        )
        healed = drill("chaos.heal", lab.state, tmp_path / "second")
        assert healed.code == 0 and "left alone: stop redis" in healed.output
        assert not pings(port(lab))
    finally:
        first.kill()
    assert eventually(lambda: pings(port(lab)), 20)


def test_a_killed_runs_guardian_mends_it_and_lets_the_next_run_start(lab: LabDriver, tmp_path: Path) -> None:
    first = Running(lab, tmp_path / "first")
    first.kill()
    assert eventually(lambda: pings(port(lab)), 20)
    assert eventually(lambda: not ledger(lab.state), 20)
    assert eventually(lambda: drill("chaos.leader-lock", lab.state, tmp_path / "again").code != 40, 60)


def test_the_next_start_mends_what_two_dead_left_behind(lab: LabDriver, tmp_path: Path) -> None:
    Running(lab, tmp_path / "first").kill_with_guardian()
    assert not pings(port(lab))
    following: Drill = drill("chaos.leader-lock", lab.state, tmp_path / "next")
    assert "a run before this one has left something behind" in following.output
    assert following.code in (0, 20, 30), following.output
    assert pings(port(lab)) and not ledger(lab.state)


def test_a_leader_that_leads_again_because_somebody_started_redis_is_not_said_to_be_broken(
    lab: LabDriver, tmp_path: Path
) -> None:
    run = Running(lab, tmp_path / "first", hold_s=6)
    lab.supervisor("start", "redis")
    assert run.process.wait(timeout=60) == 30
    told = " ".join(run.out.read_text().split())  # in lines as wide as a terminal
    assert "before its undo, ended by somebody else: redis_ping was PONG" in told
    assert not ledger(lab.state)
