"""What stressors use, as the script that a daemon of Chaos Mesh is asked by tells of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.controls.kubernetes_context import Context
from blackstart.model.reading import Answer
from blackstart.probes.pod_stress import _LOOK, PodStress, used_in
from tests.services import eventually

SAID = """1000.50
aa 99050 900000000 100000000 2048
aa 99100 0 200000000 1024
bb 100010 5000000 0 2048
cc 99050
"""


def test_the_time_that_was_taken_or_waited_for_counts_from_the_eldests_beginning() -> None:
    assert used_in("aa", SAID) == {"running": 1, "cores": 0.12, "mb": 3}


def test_of_one_that_has_only_begun_nothing_is_told_and_one_that_has_just_ended_is_none() -> None:
    assert used_in("bb", SAID) == {}
    assert used_in("cc", SAID) == used_in("dd", SAID) == {"running": 0, "cores": 0.0, "mb": 0}


def test_a_look_without_a_figure_is_no_value() -> None:
    probe = PodStress(Context(), (("daemon", ("aa",)),), "cores", "stress")
    assert probe.pick(Answer("answer", note="a stressor has only begun"))[0] == "absent"
    assert probe.pick(Answer("answer", {"running": 1, "cores": 0.5, "mb": 3})) == ("value", 0.5, "")


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[str]:
    """A process that is called as a stressor and busy; by which line of its control groups it is found."""
    program = tmp_path / "stress-ng-cpu"
    shutil.copyfile("/bin/sh", program)
    program.chmod(0o755)
    with subprocess.Popen([program, "-c", "while :; do :; done"]) as process:
        yield Path(f"/proc/{process.pid}/cgroup").read_text().split()[0]
        process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
def test_the_script_finds_a_real_one_by_its_name_and_its_control_groups(busy: str) -> None:
    def look(group: str) -> dict[str, float]:
        argv = ["sh", "-c", _LOOK, "look", group]
        said = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True).stdout
        return used_in(group, said)

    assert eventually(lambda: look(busy).get("cores", 0.0) > 0.1)
    assert look(busy)["running"] == 1
    assert look("no-such-container") == {"running": 0, "cores": 0.0, "mb": 0}
