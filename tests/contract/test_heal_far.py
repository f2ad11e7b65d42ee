"""A rule in a network namespace, its run and its guardian killed: mended in there; from outside, nothing is claimed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from blackstart.faults.drop import Drop
from tests.contract.network_runs import ROOT, NetworkRun
from tests.netns import Netns, netns
from tests.processes import guardians
from tests.requirements import require
from tests.services import eventually, redis_server

_HEAL = "import sys; from blackstart.commands import healing; sys.exit(healing.heal())"


def heal(reports: Path, *way: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'lib'}{os.pathsep}{ROOT}", "REPORTS": str(reports)}
    return subprocess.run(
        [*way, sys.executable, "-c", _HEAL], env=env, capture_output=True, text=True, timeout=60, check=False
    )


def dropped_and_both_killed(space: Netns, folder: Path) -> NetworkRun:
    """`drop` run within the namespace, as `ip netns exec` does it."""
    service = {"address": f"127.0.0.1:{space.port}", "control": {"manual": "redis"}}
    way = ("ip", "netns", "exec", space.name)
    run = NetworkRun(folder, Drop("redis"), {"services": {"redis": service}}, hold_s=60.0, way=way)
    run.wait_for("the fault bites")
    (script,) = run.reports.glob("*/HEAL.sh")
    (guardian,) = guardians()
    run.process.send_signal(signal.SIGSTOP)  # it must not see its guardian's death, and restore
    os.kill(guardian, signal.SIGKILL)
    run.kill()
    assert space.rules()
    return run


@pytest.fixture(autouse=True)
def needs_namespaces() -> None:
    require("root", "netns")


def test_a_rule_in_another_namespace_is_mended_in_there_though_a_redis_of_the_same_address_answers_here(
    tmp_path: Path,
) -> None:
    with netns() as space:
        twin = subprocess.Popen(
            [redis_server(), "--port", str(space.port), "--save", ""], stdout=subprocess.DEVNULL, cwd=tmp_path
        )
        try:
            run = dropped_and_both_killed(space, tmp_path)
            outside = heal(run.reports)
            assert outside.returncode == 50 and space.rules(), outside.stdout + outside.stderr
            command = outside.stdout.splitlines()[-1]
            assert f"ip netns exec {space.name} invoke chaos.heal" in command
            (script,) = run.reports.glob("*/HEAL.sh")
            by_hand = subprocess.run(["sh", script], capture_output=True, text=True, timeout=30, check=False)
            assert by_hand.returncode == 1 and space.rules() and f"ip netns exec {space.name} sh" in by_hand.stderr
            inside = heal(run.reports, "ip", "netns", "exec", space.name)
            assert inside.returncode == 0 and not space.rules(), inside.stdout + inside.stderr
            assert heal(run.reports).stdout == "nothing is broken that nobody looks after\n"
        finally:
            twin.kill()
            twin.wait(timeout=10)


def test_a_rule_has_gone_with_its_namespace(tmp_path: Path) -> None:
    with netns() as space:
        run = dropped_and_both_killed(space, tmp_path)
    assert eventually(lambda: space.name not in subprocess.check_output(["ip", "netns"], text=True), 10)
    assert eventually(lambda: heal(run.reports).returncode == 0, 20)  # the kernel takes a namespace down by and by
    assert heal(run.reports).stdout == "nothing is broken that nobody looks after\n"
