"""PAUSE_ON_FAIL on the real lab: what the app was asked for, and when, as its own log says."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from blackstart_lab.trader.config import LOCK_KEY
from tests.lab.drills import ROOT, Drill, command, environment, ledger
from tests.lab.lab_driver import LabDriver, eventually

FILE = ROOT / "tests" / "lab" / "pausing_drill.py"
ALL = ["/pause", "/flatten?reason=chaos_drill_failed", "/mode"]


class Pausing:
    """One drill with PAUSE_ON_FAIL, and what the app was asked for meanwhile."""

    def __init__(self, lab: LabDriver, folder: Path, how: str, asked: str = "1", **more: str) -> None:
        self.lab, self.folder = lab, folder
        self.before = len(lab.events("asked"))
        (folder / "file").touch()
        env = environment(
            lab.state, folder / "reports", HOW=how, PAUSE_ON_FAIL=asked, DRILL_FILE=str(folder / "file"), **more
        )
        self.child = subprocess.Popen(
            command("chaos.run", str(FILE)), cwd=ROOT, env={**env, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def wait(self, within_s: float = 240) -> Drill:
        try:
            output, _ = self.child.communicate(timeout=within_s)
        finally:
            self.child.kill()
            self.child.wait()
        return Drill(self.child.returncode, output, self.folder / "reports")

    def asked(self) -> list[dict[str, Any]]:
        """What the app was asked for since the drill began, by its own log."""
        return self.lab.events("asked")[self.before :]

    def paths(self) -> list[str]:
        return [event["path"] for event in self.asked()]

    def events(self, name: str) -> list[dict[str, Any]]:
        """Of the journal as it is now, read without our code."""
        (journal,) = [*(self.folder / "reports").glob("*/journal.jsonl")] or [None]
        lines = journal.read_bytes().split(b"\n")[:-1] if journal else []
        return [event for event in map(json.loads, lines) if event["event"] == name]

    def in_fault(self) -> bool:
        assert self.child.poll() is None, self.child.communicate()[0]
        return any(event["phase"] == "fault" for event in self.events("phase"))


def taken_lock(lab: LabDriver) -> Callable[[], None]:
    """The leader's lock is somebody else's until the returned function is called."""
    with lab.redis() as client:
        client.set(LOCK_KEY, "somebody else")

    def give_back() -> None:
        with lab.redis() as client:
            client.delete(LOCK_KEY)

    return give_back


def trades_again(lab: LabDriver) -> None:
    """As every test finds it: as an operator would bring it back."""
    eventually(lambda: lab.status("/health") == 200 and lab.metric("trader_is_leader{") == 1, 60)
    assert lab.post("/resume").status_code == 200


@pytest.fixture(autouse=True)
def trading(lab: LabDriver) -> None:
    trades_again(lab)


def test_broke_pauses_at_once_and_does_the_rest_once_it_leads_again(lab: LabDriver, tmp_path: Path) -> None:
    drill = Pausing(lab, tmp_path, "broke", MEANWHILE="other leader")
    eventually(drill.in_fault, 60)
    give_back = taken_lock(lab)
    eventually(drill.paths, 120)
    assert drill.paths() == ["/pause"]  # while somebody else leads, nothing more follows
    give_back()
    done = drill.wait()
    assert done.code == 20, done.output
    assert drill.paths() == ["/pause", *ALL]
    first, then = done.record.of("abort")
    leads_s = lab.events("lock_acquired")[-1]["at"]
    asked_s = [event["at"] for event in drill.asked()]
    # One clock: the verdict, the pause, leadership, and the rest.
    assert first["at"] < asked_s[0] < leads_s < asked_s[1] < asked_s[2] < asked_s[3]
    # Nothing that takes its time comes between what broke and the first pause.
    order = [event["event"] for event in done.record.of("abort step", "services")]
    assert order[:2] == ["services", "abort step"] and order[-1] == "services"
    assert (first["verdict"], first["waits"], then["settled"]) == ("broke", True, True)
    (verified,) = done.record.of("abort verified")
    assert verified["state"] == "paused" and lab.get("/state").json()["is_paused"]
    assert "pause, close all positions, switch to PAPER" in done.output
    assert "PAUSE_ON_FAIL: trading is paused and stayed paused" in done.output


@pytest.mark.slow
@pytest.mark.parametrize(("asked", "posted"), [("1", []), ("inconclusive", ALL)])
def test_inconclusive_ends_trading_only_where_that_was_asked_for(
    lab: LabDriver, tmp_path: Path, asked: str, posted: list[str]
) -> None:
    drill = Pausing(lab, tmp_path, "inconclusive", asked)
    done = drill.wait()
    assert done.code == 30, done.output
    assert drill.paths() == posted
    assert lab.get("/state").json()["is_paused"] is bool(posted)


@pytest.mark.slow
def test_not_restored_is_not_waited_for_whoever_leads(lab: LabDriver, tmp_path: Path) -> None:
    drill = Pausing(lab, tmp_path, "not-restored", MEANWHILE="other leader")
    eventually(drill.in_fault, 60)
    give_back = taken_lock(lab)
    done = drill.wait()
    try:
        assert done.code == 50, done.output
        assert drill.paths() == ALL  # nobody has given the lock back
        (begun,) = done.record.of("abort")
        assert (begun["verdict"], begun["waits"]) == ("not-restored", False)
        undone_s = next(event["at"] for event in done.record.of("undone"))
        assert undone_s < drill.asked()[0]["at"]
        assert "trading may resume by itself once leader is 1" in done.output
        assert done.output.splitlines()[-1].endswith(f"chaos.heal --experiment {FILE}")
    finally:
        give_back()
        (tmp_path / "file.mends").touch()
        env = {**environment(lab.state, tmp_path / "reports"), "PYTHONPATH": str(ROOT)}
        healed = subprocess.run(
            command("chaos.heal", "--experiment", str(FILE)),
            cwd=ROOT,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ledger(lab.state) == [] and (tmp_path / "file").exists(), healed.stdout + healed.stderr


@pytest.mark.slow
def test_an_app_that_is_down_is_told_all_the_same_and_nobody_says_that_it_trades(
    lab: LabDriver, tmp_path: Path
) -> None:
    drill = Pausing(lab, tmp_path, "broke", MEANWHILE="app down")
    eventually(drill.in_fault, 60)
    lab.supervisor("stop", "api")
    # It can't come to rest: whoever looks on ends the wait.
    eventually(lambda: drill.events("abort step"), 120)
    drill.child.send_signal(signal.SIGINT)
    done = drill.wait()
    lab.supervisor("start", "api")
    assert drill.paths() == []
    steps = done.record.of("abort step")
    assert [step["at_once"] for step in steps] == [True, False, False, False]
    assert all("failed" in step for step in steps), steps
    (verified,) = done.record.of("abort verified")
    assert (verified["state"], verified["ok"]) == ("unseen", False)
    assert "NOT PAUSED" not in done.output


@pytest.mark.slow
def test_ctrl_c_in_its_wait_does_the_rest_at_once(lab: LabDriver, tmp_path: Path) -> None:
    drill = Pausing(lab, tmp_path, "broke", MEANWHILE="other leader")
    eventually(drill.in_fault, 60)
    give_back = taken_lock(lab)
    eventually(drill.paths, 120)
    os.kill(drill.child.pid, signal.SIGINT)
    done = drill.wait()
    give_back()
    assert drill.paths() == ["/pause", *ALL]
    assert done.record.of("abort")[-1]["hurried"]
    assert done.code == 130, done.output
