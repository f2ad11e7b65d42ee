"""The guardian against a real Redis under a real supervisord: whoever dies, whenever, Redis runs again."""

import os
import random
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import psutil
import pytest

from blackstart.evidence import journal
from blackstart.safety.ledger.ledger import Ledger
from blackstart.safety.processes.identity import started
from tests.contract.guarded_run import SmallRun, restored, small_run, take_lock
from tests.processes import end, guardians
from tests.requirements import require
from tests.services import Supervised, connects, eventually, free_port, pings, redis_server, supervised_redis


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    with supervised_redis(tmp_path_factory.mktemp("supervised")) as made:
        yield made


@pytest.fixture
def slow(lab: Supervised, tmp_path: Path) -> tuple[Supervised, str]:
    """A Redis that takes six seconds to stop, as a program of the same supervisord."""
    port, name = free_port(), f"slow{random.randrange(10**6)}"
    script = tmp_path / "slow.sh"
    script.write_text(
        f"{redis_server()} --port {port} --save '' --appendonly no & child=$!\n"
        "trap 'sleep 6; kill $child; wait $child; exit 0' TERM\nwhile :; do wait $child; done\n"
    )
    with lab.config.open("a") as config:
        config.write(f"[program:{name}]\ncommand=/bin/sh {script}\nstartsecs=0\n")
    lab.ctl("update")
    assert eventually(lambda: pings(port))
    return Supervised(lab.folder, lab.config, port), name


def messengers(lab: Supervised, program: str) -> list[int]:
    """Whoever asks supervisord to stop it, and waits until it has."""
    words = f"{lab.config} stop {program}"
    return [one.pid for one in psutil.process_iter(["cmdline"]) if words in " ".join(one.info["cmdline"] or ())]


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """A test that fails halfway must not leave its guardian to mend what is no longer there."""
    yield
    end(guardians())


def may_lower_oom_score() -> bool:
    """Whether this process has CAP_SYS_RESOURCE (bit 24)."""
    capabilities = re.search(r"CapEff:\s*(\w+)", Path("/proc/self/status").read_text())
    return capabilities is not None and bool(int(capabilities.group(1), 16) >> 24 & 1)


# ---------------------------------------------------------------- the ordinary end


def test_a_run_that_ends_well_leaves_no_guardian_and_no_copy(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path, 0.2)
    run.wait_for("end")
    assert run.process.wait(timeout=10) == 0
    assert run.guardian_gone()
    assert not (run.evidence / "undo.json").exists()
    assert Ledger().outstanding() == []
    assert run.guarded()[-1] == "end"
    take_lock(lab)


def test_the_guardian_is_nobodys_child_and_bears_no_mark_of_a_ci_server(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path, RUNNER_TRACKING_ID="github_1", JENKINS_NODE_COOKIE="j", BUILD_ID="7")
    fields = Path(f"/proc/{run.guardian}/stat").read_text().rpartition(")")[2].split()
    environment = Path(f"/proc/{run.guardian}/environ").read_bytes()
    assert int(fields[1]) != run.process.pid and int(fields[3]) != os.getsid(run.process.pid)
    assert not any(mark in environment for mark in (b"RUNNER_TRACKING_ID", b"JENKINS_NODE_COOKIE", b"BUILD_ID"))
    if may_lower_oom_score():
        assert Path(f"/proc/{run.guardian}/oom_score_adj").read_text().strip() == "-900"
    run.wait_for("done")
    run.go_on()
    run.wait_for("end")


# ---------------------------------------------------------------- the run dies


def test_the_guardian_of_a_killed_run_starts_redis_again(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path)
    run.wait_for("done")
    assert not connects(lab.port)
    run.kill()
    assert restored(run, lab.port)
    assert run.guarded()[-4:] == ["gone", "said", "alert", "end"]


def test_a_kill_of_the_whole_process_group_does_not_reach_the_guardian(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path)
    run.wait_for("done")
    os.killpg(run.process.pid, signal.SIGKILL)
    run.process.wait(timeout=10)
    assert restored(run, lab.port)


def test_a_closed_terminal_does_not_reach_the_guardian(lab: Supervised, tmp_path: Path) -> None:
    require("terminal")
    argv = small_run(lab, tmp_path, 30.0)
    terminal = pexpect.spawn(argv[0], argv[1:], env={**os.environ, "PYTHONPATH": "lib:."}, encoding="utf-8", timeout=20)
    terminal.expect("up ([0-9]+)")
    guardian = int(terminal.match.group(1))
    terminal.expect("done")
    terminal.close(force=True)
    assert eventually(lambda: started(guardian) is None, 20)
    assert pings(lab.port) and Ledger().outstanding() == []


def test_an_undo_waits_for_a_stop_that_is_still_under_way(slow: tuple[Supervised, str], tmp_path: Path) -> None:
    lab, program = slow
    run = SmallRun(lab, tmp_path, 30.0, 10, program)
    run.wait_for("doing")
    assert eventually(lambda: messengers(lab, program) != [])
    run.kill()
    assert restored(run, lab.port)
    assert run.guarded().index("waiting for a step under way") < run.guarded().index("undo")
    assert not eventually(lambda: not connects(lab.port), 1.0)


def test_a_start_that_is_lost_in_a_stop_under_way_is_repeated(slow: tuple[Supervised, str], tmp_path: Path) -> None:
    lab, program = slow
    run = SmallRun(lab, tmp_path, 30.0, 10, program)
    run.wait_for("doing")
    assert eventually(lambda: "STOPPING" in lab.ctl("status", program))
    found = messengers(lab, program)
    run.kill()
    for pid in found:  # the messenger dies, supervisord goes on stopping
        os.kill(pid, signal.SIGKILL)
    assert restored(run, lab.port)
    assert not eventually(lambda: not connects(lab.port), 1.0)


@pytest.mark.parametrize("seed", range(8))
def test_a_run_killed_at_any_instant_leaves_redis_running(lab: Supervised, tmp_path: Path, seed: int) -> None:
    instant_s = random.Random(seed).uniform(0.0, 1.6)
    run = SmallRun(lab, tmp_path, 0.5)
    time.sleep(instant_s)
    run.kill()
    assert eventually(lambda: not guardians(), 20)
    assert pings(lab.port) and Ledger().outstanding() == []
    for record in tmp_path.glob("*/guardian.jsonl"):
        assert not journal.read(record).damage


# ---------------------------------------------------------------- the run hangs


def test_a_stopped_run_loses_its_lease_and_is_ended_before_the_undo(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path, 30.0, 4.0)
    run.wait_for("done")
    run.process.send_signal(signal.SIGSTOP)
    assert eventually(lambda: pings(lab.port), 20)
    assert run.process.wait(timeout=5) == -signal.SIGKILL
    assert restored(run, lab.port)
    events = run.guarded()
    assert events.index("the run is ended") < events.index("undo")


def test_a_run_that_is_stopped_for_less_than_its_lease_goes_on(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path, 30.0, 10.0)
    run.wait_for("done")
    run.process.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    run.process.send_signal(signal.SIGCONT)
    run.go_on()
    run.wait_for("end")
    assert run.process.wait(timeout=10) == 0 and "taking over" not in run.guarded()


def test_a_run_that_sleeps_while_nothing_is_broken_goes_on_afterwards(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path, 30.0, 3.0, "redis", 600, 30.0)
    run.wait_for("up")
    run.process.send_signal(signal.SIGSTOP)
    assert eventually(lambda: "the run is silent; nothing is broken" in run.guarded())
    run.process.send_signal(signal.SIGCONT)
    run.go_on()
    run.wait_for("done")
    run.go_on()
    run.wait_for("end")
    assert run.process.wait(timeout=10) == 0
    assert "the run is silent; nothing is broken" in run.guarded() and "taking over" not in run.guarded()


def test_a_change_that_outlives_its_lifetime_ends_the_run_by_its_own_hand(lab: Supervised, tmp_path: Path) -> None:
    run = SmallRun(lab, tmp_path, 30.0, 10, "redis", 1.0)
    assert "longest lifetime" in run.wait_for("problem")
    run.wait_for("end")
    assert run.process.wait(timeout=10) == 0 and restored(run, lab.port)
