"""The guardian against a real Redis under a real supervisord: whoever dies, whenever, Redis runs again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart import journal
from blackstart.safety.alive import started
from blackstart.safety.ledger import Ledger
from tests.services import Supervised, connects, eventually, pings, supervised_redis


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    with supervised_redis(tmp_path_factory.mktemp("supervised")) as made:
        yield made


class SmallRun:
    """tests/contract/small_run.py as a process of its own."""

    def __init__(self, lab: Supervised, reports: Path, hold_s: float = 30.0, lease_s: float = 10.0) -> None:
        argv = [sys.executable, "-m", "tests.contract.small_run", reports, lab.config, lab.port, hold_s, lease_s]
        self.process = subprocess.Popen(
            list(map(str, argv)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env={**os.environ, "PYTHONPATH": "lib:."},
        )  # fmt: skip
        self.said: list[str] = []
        self.evidence = Path(self.wait_for("evidence"))

    def wait_for(self, word: str) -> str:
        """Read on until it says this; returns the rest of that line."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said.append(line)
            _, _, text = line.strip().partition(" ")
            if text.partition(" ")[0] == word:
                return text.partition(" ")[2]
        raise AssertionError("".join(self.said))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=10)

    @property
    def guardian(self) -> int:
        return int(next(line.split()[2] for line in self.said if line.split()[1] == "up"))

    def guardian_gone(self, within_s: float = 20.0) -> bool:
        pid = self.guardian
        return eventually(lambda: started(pid) is None, within_s)


def test_a_run_that_ends_well_leaves_no_guardian_and_no_copy(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path, hold_s=0.2)
    run.wait_for("end")
    assert run.process.wait(timeout=10) == 0
    assert run.guardian_gone(2.0)
    assert not (run.evidence / "undo.json").exists()
    assert Ledger().outstanding() == []
    record = journal.read(run.evidence / "guardian.jsonl")
    assert not record.damage and record.events[-1]["event"] == "end"


def test_the_guardian_of_a_killed_run_starts_redis_again(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path)
    run.wait_for("done")
    assert not connects(lab.port)
    run.kill()
    killed_s = time.monotonic()
    assert eventually(lambda: pings(lab.port))
    assert time.monotonic() - killed_s < 3.0
    assert run.guardian_gone()
    assert Ledger().outstanding() == []
    record = journal.read(run.evidence / "guardian.jsonl")
    assert not record.damage and "nothing is broken any more" in record.events[-1]["how"]


def test_a_run_whose_guardian_is_killed_restores_by_itself_and_says_so(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path)
    run.wait_for("done")
    os.kill(run.guardian, signal.SIGKILL)
    assert "has died" in run.wait_for("problem")
    run.wait_for("end")
    assert pings(lab.port) and run.process.wait(timeout=10) == 0
