"""A test that fails leaves no process behind, however that got away; it is named."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.environment import ROOT
from tests.requirements import require

STARTS = """
import os, signal, subprocess, sys, time
import psutil, pytest
from tests import leftovers

leftovers._GRACE_S = 0.5
BREEDS = "import os, time\\nwhile True:\\n    os.fork() or time.sleep(0.2) or os._exit(0)\\n    time.sleep(0.05)"


def told(pid):
    with open({pids!r}, "a") as file:
        print(pid, file=file)


def test_a_frozen_one():
    child = subprocess.Popen(["sh", "-c", "setsid sleep 48157.5 & echo $!; wait"], stdout=subprocess.PIPE, text=True)
    told(child.pid)
    sleeper = int(child.stdout.readline())
    told(sleeper)
    os.kill(sleeper, signal.SIGSTOP)
    os.kill(child.pid, signal.SIGSTOP)
    assert False, "as if something had gone wrong"


def test_a_tree_that_breeds_and_whose_parent_is_gone():
    line = [sys.executable, "-c", BREEDS]
    subprocess.run(["sh", "-c", '"$@" >/dev/null 2>&1 & echo $! >>"$0"', {pids!r}, *line], check=True)


def test_one_without_our_environment():
    told(subprocess.Popen(["sleep", "48158.5"], env={{}}).pid)


def test_one_that_has_only_its_folder(tmp_path):
    line = ["sleep", "48159.5"]
    subprocess.run(["setsid", "-f", "env", "-i", *line], cwd=tmp_path, check=True)
    while not (found := [one.pid for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == line]):
        time.sleep(0.01)
    told(found[0])


@pytest.fixture(scope="module")
def server():
    told(subprocess.Popen(["sleep", "48160.5"]).pid)


def test_of_a_module_that_forgets_its_server(server):
    pass


def test_that_leaves_nothing():
    subprocess.run(["true"], check=True)
"""


@pytest.fixture
def ran(tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    """Those tests, with what ours have of their conftest."""
    require("proc")
    file = tmp_path / "test_forgetful.py"
    file.write_text(STARTS.format(pids=str(tmp_path / "pids")))
    words = ["-p", "tests.conftest", "-p", "no:cacheprovider", "--tb=line", "-q", "-rA"]
    where = ["--basetemp", str(tmp_path / "base"), "--rootdir", str(tmp_path), "-c", "/dev/null"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words, *where, str(file)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'lib'}"}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def test_what_a_test_left_is_ended_and_named(ran: "subprocess.CompletedProcess[str]", tmp_path: Path) -> None:
    started = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(started) == 6
    alive = [one for one in started if psutil.pid_exists(one) and psutil.Process(one).status() != psutil.STATUS_ZOMBIE]
    assert not alive and ran.returncode == pytest.ExitCode.TESTS_FAILED, ran.stdout
    errors = [line.split("::")[1].split(" ")[0] for line in ran.stdout.splitlines() if line.startswith("ERROR ")]
    assert sorted(errors) == [
        "test_a_frozen_one",
        "test_a_tree_that_breeds_and_whose_parent_is_gone",
        "test_one_that_has_only_its_folder",
        "test_one_without_our_environment",
    ]
    assert all(f"sleep 48{seconds}.5" in ran.stdout for seconds in (157, 158, 159, 160))
    assert "The tests left processes behind, which were ended:" in ran.stdout
