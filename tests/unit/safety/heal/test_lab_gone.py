"""What was broken in a lab that is gone as a whole: closed with proof, and never on less."""

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from blackstart.base import clock
from blackstart.base.state import state_dir
from blackstart.controls.kubernetes import Kubernetes
from blackstart.controls.supervisor import Supervisor
from blackstart.model.change import Change
from blackstart.model.step import Command
from blackstart.probes.control_state import ControlState
from blackstart.safety.heal.lab_gone import gone_with_its_lab
from tests.requirements import require


@pytest.fixture(autouse=True)
def _linux() -> None:
    require("proc")


@pytest.fixture
def lab() -> Path:
    return state_dir() / "labs" / "trader"


def stopped(config: Path, host: str | None = None) -> Change:
    control = Supervisor("redis", str(config), "supervisorctl", host)
    runs = ControlState("redis", control).is_("running")
    return Change("stop redis", "redis", control.stop(), control.start(), (), (runs,))


def up(lab: Path, at_s: float = 0.0) -> None:
    lab.mkdir(parents=True, exist_ok=True)
    config = lab / "supervisord.conf"
    config.write_text("[supervisord]\n")
    if at_s:
        os.utime(config, (at_s, at_s))


def opened(before_s: float) -> str:
    return clock.utc_iso(datetime.fromtimestamp(time.time() - before_s, UTC))


@pytest.fixture
def member(lab: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], env={**os.environ, "BLACKSTART_LAB": str(lab)})
    yield process
    process.kill()
    process.wait(timeout=5)


def test_a_lab_that_was_taken_down_leaves_nothing_to_mend(lab: Path) -> None:
    assert "was taken down" in gone_with_its_lab(stopped(lab / "supervisord.conf"), opened(1))


def test_a_process_that_is_left_of_it_is_no_proof(lab: Path, member: subprocess.Popen[bytes]) -> None:
    assert gone_with_its_lab(stopped(lab / "supervisord.conf"), opened(1)) == ""


def test_a_lab_that_was_brought_up_anew_leaves_nothing_to_mend(lab: Path) -> None:
    up(lab)
    assert "brought up anew" in gone_with_its_lab(stopped(lab / "supervisord.conf"), opened(60))


def test_a_lab_whose_supervisor_died_is_not_gone(lab: Path) -> None:
    up(lab, at_s=time.time() - 60)
    assert gone_with_its_lab(stopped(lab / "supervisord.conf"), opened(1)) == ""


def test_a_configuration_that_was_touched_while_its_old_processes_run_is_no_proof(
    lab: Path, member: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    up(lab)
    monkeypatch.setattr("blackstart.safety.heal.lab_gone._begun_s", lambda folder: [time.time() - 30])
    assert gone_with_its_lab(stopped(lab / "supervisord.conf"), opened(60)) == ""


def test_a_half_removed_lab_is_no_proof(lab: Path) -> None:
    lab.mkdir(parents=True)
    assert gone_with_its_lab(stopped(lab / "supervisord.conf"), opened(1)) == ""


def test_what_is_no_lab_or_elsewhere_or_has_another_undo_is_left_to_a_person(lab: Path, tmp_path: Path) -> None:
    assert gone_with_its_lab(stopped(tmp_path / "supervisord.conf"), opened(1)) == ""
    assert gone_with_its_lab(stopped(lab / "supervisord.conf", host="ssh://db1"), opened(1)) == ""
    other = replace(stopped(lab / "supervisord.conf"), undo=(Command(("iptables", "-D", "INPUT", "1")),))
    assert gone_with_its_lab(other, opened(1)) == ""


def test_what_lacks_a_way_to_go_on_after_a_pause_is_no_lab() -> None:
    control = Kubernetes("deployment", "redis", "shop", "kind", pods=2)
    change = Change("stop redis", "redis", (), control.start(), (), (ControlState("redis", control).is_("running"),))
    assert gone_with_its_lab(change, opened(1)) == ""
