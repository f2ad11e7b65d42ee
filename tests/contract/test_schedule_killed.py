"""A runner that is killed in the midst of a schedule: its guardian mends what is in force, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.evidence import journal
from blackstart.evidence.events import EventName
from blackstart.safety.ledger.ledger import Ledger
from tests.environment import ROOT
from tests.processes import end, guardians
from tests.services import eventually

EXPERIMENT = '''"""Two files go away, one after the other."""

from pathlib import Path

from blackstart.model.expect import eventually
from blackstart.model.experiment import Experiment
from blackstart.model.schedule import At
from tests.unit.builders import Cut
from tests.unit.safety.file_fault import FileThere, without

HERE = Path(__file__).parent


experiment = Experiment(
    name="two-files", target="", hypothesis="They come back.",
    faults=(At(Cut((without(HERE / "one"),)), 0, 2, "one"), At(Cut((without(HERE / "two"),)), 4.5, 60, "two")),
    recovery=(eventually(FileThere(str(HERE / "two")).is_(True), within_s=5, name="back"),),
)
'''


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    yield
    end(guardians())


def test_a_runner_killed_in_the_second_step_leaves_it_to_the_guardian(tmp_path: Path) -> None:
    one, two, file = tmp_path / "one", tmp_path / "two", tmp_path / "two_files.py"
    file.write_text(EXPERIMENT)
    one.touch()
    two.touch()
    (tmp_path / "t.toml").write_text('name = "files"\n[services.file]\ncontrol = { manual = "file" }\n')
    env = {"REPORTS": str(tmp_path / "reports"), "TARGET": str(tmp_path / "t.toml"), "NONINTERACTIVE": "1"}
    argv = [sys.executable, "-m", "invoke", "--search-root", str(ROOT), "chaos.run", str(file), "--assume-link"]
    with (tmp_path / "out").open("w") as out:
        run = subprocess.Popen(
            argv, stdout=out, stderr=out, start_new_session=True, env={**os.environ, **env, "PYTHONPATH": str(ROOT)}
        )
    assert eventually(lambda: not one.exists(), 60), (tmp_path / "out").read_text()
    assert eventually(lambda: one.exists() and not two.exists(), 30), (tmp_path / "out").read_text()
    (folder,) = (path for path in (tmp_path / "reports").iterdir() if path.is_dir())

    def did() -> list[str]:
        return [
            event["change"].rpartition("#")[2] for event in journal.read(folder / "journal.jsonl").of(EventName.DID)
        ]

    assert eventually(lambda: did() == ["0", "1"], 10)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    assert eventually(two.exists, 30) and one.exists()
    assert eventually(lambda: Ledger().outstanding() == [], 30)
    assert eventually(lambda: journal.read(folder / "guardian.jsonl").first(EventName.END) is not None, 30)
    guarded = journal.read(folder / "guardian.jsonl")
    taken = guarded.first(EventName.TAKING_OVER)
    assert taken is not None and list(taken["states"].values()) == ["closed", "done"]
    assert [event["change"].rpartition("#")[2] for event in guarded.of(EventName.GONE)] == ["1"]
