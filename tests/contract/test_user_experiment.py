"""A user's own experiment with classes of its own: run, judged and healed only where the user names its file."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from blackstart.evidence import journal
from blackstart.safety.ledger import undo_copies
from blackstart.safety.ledger.ledger import Ledger
from tests.environment import ROOT
from tests.processes import guardians
from tests.services import eventually

MINE = """\"\"\"A file goes away and comes back.\"\"\"

from pathlib import Path

Path(__file__).with_name("trace").touch()

from blackstart.base.codec import plain
from blackstart.model.expect import Conditions, eventually
from blackstart.model.reading import Answer
from blackstart.model.change import Change
from blackstart.model.step import Command
from blackstart.model.experiment import Experiment

FILE = Path(__file__).with_name("it")


@plain
class Look:
    path: str

    def open(self):
        return self

    def describe(self):
        return self.path

    def read(self, timeout_s):
        return Answer("answer", Path(self.path).exists())

    def close(self):
        return None


@plain
class There(Conditions):
    path: str
    name: str = "there"

    def bind(self, target):
        return self

    def endpoint(self):
        return Look(self.path)

    def pick(self, answer):
        return "value", bool(answer.body), ""


@plain
class Away:
    path: str

    def plan(self, target):
        it = There(self.path, "it")
        do, undo = (Command(("rm", self.path)),), (Command(("touch", self.path)),)
        return (Change("remove it", "file", do, undo, (it.is_(False),), (it.is_(True),), undo_is_noop=True),)

    def describe(self):
        return "remove it"


there = There(str(FILE))
experiment = Experiment(
    name="mine", target="", hypothesis="It comes back.", faults=(Away(str(FILE)),),
    during=(eventually(there.is_(False), within_s=5, name="away"),),
    recovery=(eventually(there.is_(True), within_s=5, name="back"),), hold_min_s=HOLD, settle_s=0.2,
)
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The experiment's file, and everything that a drill of it needs."""
    (tmp_path / "it").touch()
    (tmp_path / "t.toml").write_text('name = "files"\n[services.file]\ncontrol = { manual = "file" }\n')
    for name, value in {"REPORTS": str(tmp_path / "reports"), "TARGET": str(tmp_path / "t.toml")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NONINTERACTIVE", "1")
    path = tmp_path / "mine.py"
    path.write_text(MINE.replace("HOLD", "0.5"))
    return path


def start(*words: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "invoke", "--search-root", str(ROOT), *words]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def typed(*words: str) -> tuple[int, str]:
    process = start(*words)
    out, _ = process.communicate(timeout=120)
    return process.returncode, out


def evidence(mine: Path) -> Path:
    (path,) = mine.with_name("reports").glob("*/journal.jsonl")
    return path.parent


def test_its_reports_are_made_only_with_its_file_and_nothing_of_it_is_executed_without(mine: Path) -> None:
    code, out = typed("chaos.run", str(mine), "--assume-link")
    assert code == 0, out
    trace = mine.with_name("trace")
    trace.unlink()
    told = journal.experiment_file(evidence(mine))
    for task in ("report.show", "report.judge", "report.html", "report.trend"):
        code, out = typed(task)
        assert code == 40 and not trace.exists(), out
        (line,) = out.splitlines()
        assert "the class There" in line or "the class Away" in line, line
        assert f"{mine} (sha256 {told['sha256']})" in line and "--experiment FILE" in line
    code, out = typed("report.verify")
    assert code == 30 and "says held, and it can't be judged again" in out and not trace.exists(), out
    assert typed("report.verify", f"--experiment={mine}")[0] == 0
    trace.unlink()
    for task in ("report.show", "report.judge", "report.html", "report.trend"):
        code, out = typed(task, f"--experiment={mine}")
        assert code == 0, out
    trace.unlink()
    mine.write_text(mine.read_text() + "\n")
    code, out = typed("report.judge", f"--experiment={mine}")
    assert code == 40 and "is not the experiment of" in out and told["sha256"] in out and not trace.exists()


def test_its_guardian_has_its_classes_and_heal_needs_its_file(mine: Path) -> None:
    mine.write_text(MINE.replace("HOLD", "60"))
    for guarded in (True, False):
        run = start("chaos.run", str(mine), "--assume-link", "--hold=60")
        assert eventually(lambda: not mine.with_name("it").exists(), 60)
        pids = guardians()
        if not guarded:
            run.send_signal(signal.SIGSTOP)
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        run.kill()
        run.wait(timeout=10)
        if guarded:
            assert eventually(lambda: mine.with_name("it").exists(), 30)
            assert eventually(lambda: not guardians(), 30)
    mine.with_name("trace").unlink()
    (entry,) = Ledger().unreadable()
    code, out = typed("chaos.heal")
    assert code == 50 and not mine.with_name("it").exists() and not mine.with_name("trace").exists(), out
    assert "the class There" in out and f"sh {entry.evidence / 'HEAL.sh'}" in out
    assert f"chaos.heal --experiment {mine}" in out
    assert typed("chaos.status")[0] == 50 and not mine.with_name("trace").exists()
    other = mine.with_name("other.py")
    other.write_text(mine.read_text() + "\n")
    code, out = typed("chaos.heal", "--experiment", str(other))
    assert code == 40 and "is not the experiment of" in out and not mine.with_name("trace").exists(), out
    code, out = typed("chaos.heal", "--experiment", str(mine))
    assert code == 0 and mine.with_name("it").exists(), out
    assert Ledger().outstanding() == [] and not (entry.evidence / undo_copies.NAME).exists()


# ---------------------------------------------------------------- records that name what is planted


def planted(tmp_path: Path) -> tuple[Path, list[str]]:
    """A file that would leave a trace if anything executed it, and every name by which a record may mean it."""
    path = tmp_path / "planted.py"
    path.write_text(MINE.replace("HOLD", "0"))
    return path, ["planted:There", f"{path}:There", "planted", str(path), "os:system", "user:0123456789abcdef:There"]


# A module, a file and a class of the registry's form every time; what differs from them in spelling only is slow.
@pytest.mark.parametrize("number", [pytest.param(n, marks=() if n in (1, 5) else pytest.mark.slow) for n in range(6)])
def test_a_record_that_names_what_is_planted_runs_nothing(mine: Path, number: int, tmp_path: Path) -> None:
    code, out = typed("chaos.run", str(mine), "--assume-link")
    assert code == 0, out
    file, names = planted(tmp_path)
    mine.with_name("trace").unlink()
    name, folder = names[number], evidence(mine)
    text = (folder / "journal.jsonl").read_text().splitlines()
    run = json.loads(text[0])
    run["experiment"] = {"is": name, "path": "x"}
    (folder / "journal.jsonl").write_text(json.dumps(run) + "\n")  # a first line has none before it
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with contextlib.chdir(tmp_path):
        for task in ("report.show", "report.judge", "report.html", "report.trend", "report.export", "report.verify"):
            argv = [sys.executable, "-m", "invoke", "--search-root", str(ROOT), task]
            done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == (20 if task == "report.verify" else 40), done.stdout + done.stderr
            assert task == "report.verify" or name.rpartition(":")[2] in done.stderr, done.stderr
    assert not (tmp_path / "trace").exists() and file.exists()


def test_a_ledger_and_an_undo_json_that_name_what_is_planted_run_nothing(mine: Path, tmp_path: Path) -> None:
    import sqlite3  # noqa: PLC0415

    from tests.unit.safety.file_fault import without  # noqa: PLC0415

    _, names = planted(tmp_path)
    folder = tmp_path / "reports" / "planted_2026"
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        Ledger().intend(
            entry_id=f"r#{number}", run="r", experiment="e", target="t", change=without(tmp_path / "a"),
            evidence=folder, lease_s=1.0,
        )  # fmt: skip
        with contextlib.closing(sqlite3.connect(Ledger().path)) as raw, raw:
            change = json.dumps({"is": name, "path": "x"})
            raw.execute("UPDATE entries SET change = ? WHERE id = ?", (change, f"r#{number}"))
    process = {"is": names[0], "path": "x"}
    (folder / "undo.json").write_text(
        json.dumps({"run": "planted_2026", "runner": process, "guardian": process, "changes": {"x#0": process}})
    )
    assert typed("chaos.status")[0] == 50
    code, out = typed("chaos.heal")
    assert code == 50 and "no class of Blackstart's" in out, out
    code, out = typed("chaos.heal", "--from", str(folder), "--agree")
    assert code == 40 and names[0] in out, out
    code, out = typed("chaos.run", str(mine), "--assume-link")
    assert code == 0 and f"NOT carried out: {folder / 'undo.json'}" in out, out
    mine.with_name("trace").unlink()
    assert typed("chaos.heal")[0] == 50 and not (tmp_path / "trace").exists()
