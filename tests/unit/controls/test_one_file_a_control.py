"""A control is one file in `controls/`: with it alone a target names it and faults use it; what it lacks is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import ROOT

CONTROL = '''"""Services that are files: `{ marker = "/run/up" }`."""

import os

from blackstart.base.codec import plain
from blackstart.model.control import Control, State
from blackstart.controls import read_table
from blackstart.model.step import Command


@plain("control.marker")
class Marker(Control):
    kind = "marker"
    path: str

    def identity(self):
        return f"marker:{self.path}"

    def names(self):
        return {"marker": self.path}

    def resolve(self):
        return self

    def read_state(self, timeout_s=10.0):
        there = os.path.exists(self.path)
        return State("running" if there else "stopped", str(os.stat(self.path).st_ino) if there else "")

    def start(self):
        return (Command(("touch", self.path)),)

    def stop(self):
        return (Command(("rm", self.path)),)

    kill = pause = stop
    resume = start

    def crash(self, seen, signal):
        return self.stop()

    def rights(self):
        return (Command(("test", "-w", os.path.dirname(self.path))),)


def _read(where, table):
    return Marker(read_table(where, table, {"marker": str})["marker"])


KINDS = {"marker": _read}
'''
TARGET = """name = "files"
[services.one]
control = { marker = "HERE/up" }
"""
DRILL = '''"""The file goes and comes back."""
from blackstart.model.expect import eventually
from blackstart.faults.kill import Kill
from blackstart.faults.stop import Stop
from blackstart.model.experiment import Experiment
from blackstart.probes.control_state import ControlState

state = ControlState("one")
experiment = Experiment(
    name="file-stop",
    target="files",
    hypothesis="It is noticed.",
    baseline=(eventually(state.is_("running"), name="before"),),
    faults=(Stop("one"), Kill("one")),
    during=(eventually(state.is_("stopped"), name="gone"),),
    recovery=(eventually(state.is_("running"), name="back"),),
)
'''
OTHERS = """
from dataclasses import replace
from pathlib import Path

from blackstart import controls
from blackstart.base.errors import Refused
from blackstart.faults._packets import PacketPoint
from blackstart.faults._wire import route_to
from blackstart.controls.steps.local import carry_out
from blackstart.probes.control_state import ControlState
from blackstart.probes.in_container import RedisInContainer
from blackstart.probes.read import read_once
from blackstart.commands.target_file import load

target = load(Path("files.toml"))
control = controls.of(target.service("one"))
for field in ("status", "process"):
    print(field, read_once(ControlState("one", field=field).bind(target), 2.0).kind)
carry_out(control.stop()[0])
print("then", read_once(ControlState("one").bind(target), 2.0).value)
addressed = replace(target, services={"one": replace(target.service("one"), address="127.0.0.1:1")})
point = PacketPoint(route_to(addressed, "one"), "files")
for power in (
    lambda: RedisInContainer(("GET", "x"), "one").bind(target),
    point.within,
    lambda: control.published(1),
    control.dependents,
):
    try:
        power()
    except Refused as refusal:
        print(refusal)
print("published", point.published)
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with all of Blackstart and one more control."""
    shutil.copytree(ROOT / "lib" / "blackstart", tmp_path / "lib" / "blackstart", ignore=lambda *_: {"__pycache__"})
    (tmp_path / "lib" / "blackstart" / "controls" / "marker.py").write_text(CONTROL)
    (tmp_path / "files.toml").write_text(TARGET.replace("HERE", str(tmp_path)))
    (tmp_path / "drill.py").write_text(DRILL)
    (tmp_path / "up").touch()
    return tmp_path


def python(folder: Path, *words: str) -> str:
    made = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "lib"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout


def test_a_new_file_is_planned_with(installed: Path) -> None:
    told = python(
        installed, "-c", "from blackstart.commands import plan; exit(plan.plan('drill.py', {'target': 'files.toml'}))"
    )
    assert "marker:/" in told and f"rm {installed}/up" in told and "Nothing was touched." in told


def test_a_new_file_is_read_and_what_it_lacks_is_refused_with_the_reason(installed: Path) -> None:
    told = python(installed, "-c", OTHERS).splitlines()
    assert told[:3] == ["status value", "process value", "then stopped"]
    assert told[3:] == [
        'Not started: target "files": service "one": its control (marker) has no way to run a command inside',
        "Not started: one: its control (marker) has no way into a network of its own",
        "Not started: its control (marker) publishes no ports",
        "Not started: its control (marker) knows of nothing that depends on it",
        "published False",
    ]
