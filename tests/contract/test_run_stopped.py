"""A run whose own process is stopped for a second: what fell into that time accuses nobody, what did not, does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from blackstart.base.clock import now_s
from blackstart.evidence import journal
from blackstart.evidence.events import EventName
from blackstart.verdict.lateness import RUN, Lateness
from tests.environment import ROOT
from tests.services import eventually

EXPERIMENT = """\"\"\"A file goes away and comes back; the word in another one stays the same.\"\"\"

from pathlib import Path

from blackstart.base.codec import plain
from blackstart.model.change import Change
from blackstart.model.expect import Conditions, always, eventually
from blackstart.model.experiment import Experiment
from blackstart.model.reading import Answer
from blackstart.model.step import Command

HERE = Path(__file__).parent


@plain
class Text:
    path: str

    def open(self):
        return self

    def describe(self):
        return self.path

    def read(self, timeout_s):
        path = Path(self.path)
        return Answer("answer", path.read_text() if path.exists() else "gone")

    def close(self):
        return None


@plain
class Says(Conditions):
    path: str
    name: str

    def bind(self, target):
        return self

    def endpoint(self):
        return Text(self.path)

    def pick(self, answer):
        return "value", answer.body, ""


@plain
class Away:
    path: str

    def plan(self, target):
        it = Says(self.path, "it")
        do, undo = (Command(("rm", self.path)),), (Command(("touch", self.path)),)
        return (Change("remove it", "file", do, undo, (it.is_("gone"),), (it.is_(""),), undo_is_noop=True),)

    def describe(self):
        return "remove it"


it, word = Says(str(HERE / "it"), "it"), Says(str(HERE / "word"), "word")
experiment = Experiment(
    name="stopped", target="", hypothesis="It comes back.", faults=(Away(str(HERE / "it")),),
    during=(eventually(it.is_("gone"), within_s=5, name="away"),),
    recovery=(eventually(it.is_(""), within_s=5, name="back"),),
    always=(always(word.is_("well"), name="well_all_the_time"),),
    hold_min_s=6.0, settle_s=0.2,
)
"""


class Drill:
    """A drill of it, in a process of its own."""

    def __init__(self, where: Path) -> None:
        self.where, self.file = where, where / "drill.py"
        self.file.write_text(EXPERIMENT)
        (where / "it").touch()
        self.says("well")
        (where / "t.toml").write_text('name = "files"\n[services.file]\ncontrol = { manual = "file" }\n')
        env = {"REPORTS": str(where / "reports"), "TARGET": str(where / "t.toml"), "NONINTERACTIVE": "1"}
        argv = [
            sys.executable,
            "-m",
            "invoke",
            "--search-root",
            str(ROOT),
            "chaos.run",
            str(self.file),
            "--assume-link",
        ]
        self.process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env={**os.environ, **env},
        )  # fmt: skip

    def says(self, word: str) -> None:
        new = self.where / "new"
        new.write_text(word)
        new.rename(self.where / "word")  # never half of it

    def stop_for(self, seconds: float) -> float:
        """Stop the run's process; returns for how long it was."""
        began_s = now_s()
        os.kill(self.process.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.process.pid, signal.SIGCONT)
        return now_s() - began_s

    def ended(self) -> tuple[int, str]:
        out, _ = self.process.communicate(timeout=120)
        return self.process.returncode, out

    def record(self) -> journal.Record:
        (path,) = (self.where / "reports").glob("*/journal.jsonl")
        return journal.read(path)


@pytest.fixture
def drill(tmp_path: Path) -> Iterator[Drill]:
    made = Drill(tmp_path)
    assert eventually(lambda: not (tmp_path / "it").exists(), within_s=60), made.process.poll()
    yield made
    if made.process.poll() is None:
        made.process.send_signal(signal.SIGTERM)  # it restores first
        made.process.communicate(timeout=60)


def test_a_stall_of_the_run_is_inconclusive_and_says_for_how_long(drill: Drill) -> None:
    stopped_s = drill.stop_for(1.0)
    code, out = drill.ended()
    (verdict,) = drill.record().of(EventName.VERDICT)
    told = "; ".join(verdict["reasons"])
    assert (code, "; the run's process stood still for " in told) == (30, True), out
    stalls = [sample for _, sample in Lateness.of(drill.record(), RUN).samples if sample.stalled]
    assert max(sample.late_s for sample in stalls) == pytest.approx(stopped_s, abs=0.4)


def test_what_is_wrong_long_after_the_stall_is_broken(drill: Drill) -> None:
    drill.stop_for(1.0)
    drill.says("sick")
    code, out = drill.ended()
    assert (code, "violated: word was sick" in out) == (20, True), out


def test_what_was_wrong_during_the_stall_alone_accuses_nobody(drill: Drill) -> None:
    os.kill(drill.process.pid, signal.SIGSTOP)
    drill.says("sick")
    time.sleep(1.0)
    os.kill(drill.process.pid, signal.SIGCONT)
    time.sleep(0.2)
    drill.says("well")
    code, out = drill.ended()
    assert code == 30, out


def test_every_run_records_how_late_it_was(drill: Drill) -> None:
    drill.says("well")
    code, out = drill.ended()
    told = drill.record().of(EventName.LATENESS)
    assert len(told) >= 5
    assert {event["who"] for event in told} == {RUN}
    assert all(event["late"] >= 0 and event["to"] > event["from"] for event in told)
    assert code in (0, 30), out
